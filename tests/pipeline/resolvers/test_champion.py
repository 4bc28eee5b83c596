"""Which model a new one must beat."""

import json

import pytest
from tfx.types import standard_artifacts

from beltline.pipeline.resolvers.champion import LiveModel
from beltline.versions.live import rollback

PROBLEM = {
    "label": "scrap",
    "task": "binary",
    "classes": ["ok", "scrap"],
    "columns": {"temp": "number", "mold": "text"},
}
TODAY = LiveModel(json.dumps(PROBLEM), "/nowhere", "line")


def model(number):
    made = standard_artifacts.Model()
    made.id = number
    return made


def push(number, of, pushed=1, version="", judged=None, waiting="", **problem):
    made = standard_artifacts.PushedModel()
    made.id = number
    made.set_string_custom_property("problem", json.dumps(PROBLEM | problem))
    made.set_string_custom_property("pushed_version", version)
    made.set_string_custom_property("waiting_version", waiting)
    if of:
        made.set_int_custom_property("model_id", of)
    if judged:
        made.set_int_custom_property("judged_model_id", judged)
    if pushed is not None:
        made.set_int_custom_property("pushed", pushed)
    return made


def champion(models, pushes, strategy=TODAY):
    found = strategy.resolve_artifacts(None, {"model": models, "pushed_model": pushes})
    return [a.id for a in found["model"]], [a.id for a in found["pushed_model"]]


def test_nothing_pushed_yet_is_a_first_run_and_no_failure():
    assert champion([], []) == ([], [])
    assert champion([model(1)], []) == ([], [])
    assert TODAY.resolve_artifacts(None, {}) == {"model": [], "pushed_model": []}


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_push_counts_in_whatever_order_they_come(order):
    pushes = [push(11, of=1), push(13, of=2), push(12, of=3)][::order]
    assert champion([model(3), model(1), model(2)][::order], pushes) == ([2], [13])


def test_a_model_that_was_not_pushed_is_no_champion():
    pushes = [push(11, of=1), push(12, of=2, pushed=0), push(13, of=None, pushed=None)]
    assert champion([model(1), model(2), model(3)], pushes) == ([1], [11])
    assert champion([model(2)], [push(12, of=2, pushed=0)]) == ([], [])


def test_an_approved_version_is_the_champion_and_one_that_waits_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    models = [model(1), model(2)]
    pushes = [push(11, of=1, version="1"), push(12, of=2, pushed=0, waiting="2")]
    strategy = served(tmp_path, 1)
    assert champion(models, pushes, strategy) == ([1], [11])
    # Approved where nobody could tell ML Metadata, as in a pod.
    served(tmp_path, 2)
    assert champion(models, pushes, strategy) == ([2], [12])
    # Of a version that ML Metadata doesn't know, the last push takes the place.
    served(tmp_path, 3)
    assert champion(models, pushes, strategy) == ([1], [11])


def test_a_push_whose_model_is_gone_gives_way_to_the_one_before():
    assert champion([model(1)], [push(11, of=1), push(12, of=2)]) == ([1], [11])


@pytest.mark.parametrize(
    ("then", "fits"),
    [
        ({"columns": {"temp": "number"}}, True),
        ({"columns": {"temp": "integer"}}, False),
        ({"columns": {"temp": "number", "gone": "text"}}, False),
        ({"label": "other"}, False),
        ({"classes": ["scrap", "ok"]}, False),
        ({"task": "regression"}, False),
    ],
)
def test_a_model_that_cannot_be_asked_about_todays_rows_is_none_to_beat(then, fits):
    found = champion([model(1)], [push(11, of=1, **then)])
    assert found == (([1], [11]) if fits else ([], []))


def served(root, *numbers):
    """Puts versions into the root's folder; returns the strategy that looks there."""
    for number in numbers:
        (root / "served" / "line" / str(number)).mkdir(parents=True)
        (root / "served" / "line" / str(number) / "saved_model.pb").write_text("")
    return LiveModel(json.dumps(PROBLEM), "served", "line")


def test_after_a_rollback_the_live_model_is_to_be_beaten(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    strategy = served(tmp_path, 1, 2)
    models = [model(4), model(5)]
    pushes = [push(11, of=4, version="1"), push(12, of=5, version="2")]
    assert champion(models, pushes, strategy) == ([5], [12])
    rollback(tmp_path / "served" / "line")
    assert champion(models, pushes, strategy) == ([4], [11])


def test_where_the_live_version_is_not_known_the_last_push_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    strategy = served(tmp_path, 1700000000)
    pushes = [push(11, of=4, version="1"), push(12, of=5, version="2")]
    assert champion([model(4), model(5)], pushes, strategy) == ([5], [12])


def test_of_two_pushes_with_one_number_the_later_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    pushes = [push(11, of=4, version="1"), push(12, of=5, version="1")]
    assert champion([model(4), model(5)], pushes, served(tmp_path, 1)) == ([5], [12])


def test_for_a_refit_the_model_that_was_judged_is_asked(tmp_path, monkeypatch):
    models = [model(1), model(2), model(3), model(4)]
    pushes = [push(11, of=2, version="1", judged=1), push(12, of=4, version="2", judged=3)]
    assert champion(models, pushes) == ([3], [12])
    folder = tmp_path / "line"
    for version in ("1", "2"):
        (folder / version).mkdir(parents=True)
        (folder / version / "saved_model.pb").touch()
    rollback(folder)
    strategy = LiveModel(json.dumps(PROBLEM), str(tmp_path), "line")
    assert champion(models, pushes, strategy) == ([1], [11])
    # One whose judged model is gone can't be compared on these rows.
    assert champion([model(4), model(2)], [push(11, of=2), pushes[1]]) == ([2], [11])
