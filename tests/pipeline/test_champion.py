"""Which model a new one must beat."""

import json

import pytest
from tfx.types import standard_artifacts

from pipeline.champion import LastPushedModel

PROBLEM = {
    "label": "scrap",
    "task": "binary",
    "classes": ["ok", "scrap"],
    "columns": {"temp": "number", "mold": "text"},
}
TODAY = LastPushedModel(json.dumps(PROBLEM))


def model(number):
    made = standard_artifacts.Model()
    made.id = number
    return made


def push(number, of, pushed=1, **problem):
    made = standard_artifacts.PushedModel()
    made.id = number
    made.set_string_custom_property("problem", json.dumps(PROBLEM | problem))
    if of:
        made.set_int_custom_property("model_id", of)
    if pushed is not None:
        made.set_int_custom_property("pushed", pushed)
    return made


def champion(models, pushes):
    found = TODAY.resolve_artifacts(None, {"model": models, "pushed_model": pushes})
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
