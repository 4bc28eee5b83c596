import json

import pytest

from beltline.versions.folder import CARD, find, numbers, versions
from beltline.versions.live import live
from beltline.versions.push import push


def card(**changes):
    said = {
        "name": "line",
        "pushed": "2026-01-02T03:04:05+00:00",
        "run": "r1",
        "blessed": True,
        "first": True,
        "metrics": {"auc": 0.9, "rows": 100.0},
        "champion_metrics": None,
        "digests": {"data": "d1", "code": "c1"},
    }
    return {**said, **changes}


@pytest.fixture
def pushed(tmp_path):
    """Pushes models, as the Pusher does, and returns the folder."""

    def push_models(*cards):
        for number, each in enumerate(cards):
            model = tmp_path / "models" / str(number)
            model.mkdir(parents=True)
            (model / "saved_model.pb").write_text(f"model {number}")
            push(model, tmp_path / "served", each)
        return tmp_path / "served"

    return push_models


def test_versions_as_they_were_pushed(pushed):
    better = card(run="r2", first=False, metrics={"auc": 0.95}, champion_metrics={"auc": 0.9})
    folder = pushed(card(), better)
    first, second = versions(folder)
    assert (first.number, first.path, first.run) == (1, folder / "1", "r1")
    assert (first.pushed, first.first) == ("2026-01-02T03:04:05+00:00", True)
    assert (first.metrics, first.champion_metrics) == ({"auc": 0.9, "rows": 100.0}, None)
    assert (second.number, second.first, second.blessed) == (2, False, True)
    assert (second.metrics, second.champion_metrics) == ({"auc": 0.95}, {"auc": 0.9})
    assert second.digests == {"data": "d1", "code": "c1"}
    assert len({first.digest, second.digest} - {""}) == 2


def test_the_order_is_that_of_the_numbers(pushed):
    folder = pushed(*[card(run=str(number)) for number in range(11)])
    assert [version.number for version in versions(folder)] == list(range(1, 12))
    assert live(folder) == 11


def test_a_deleted_version_is_gone(pushed):
    folder = pushed(card(), card(run="r2"))
    (folder / "2" / "saved_model.pb").unlink()
    assert [version.number for version in versions(folder)] == [1]
    assert live(folder) == 1


def test_other_entries_are_no_versions(pushed):
    folder = pushed(card())
    for name in (".staged-x", "latest", "-3", "2.0", "٣", ".9", "7"):
        (folder / name).mkdir()
        if name != "7":
            (folder / name / "saved_model.pb").write_text("")
    (folder / "8").write_text("a file")
    assert [version.number for version in versions(folder)] == [1]


@pytest.mark.parametrize("where", ["nothing", "file"])
def test_there_is_no_live_version_before_a_push(tmp_path, where):
    (tmp_path / "file").write_text("")
    assert versions(tmp_path / where) == []
    assert live(tmp_path / where) is None


@pytest.mark.parametrize(
    "text", [None, "", "{", "[1]", '"text"', "\xff", '{"metrics": 3, "digests": [], "run": 5}']
)
def test_a_version_with_a_broken_card_is_listed(pushed, text):
    folder = pushed(card())
    (folder / "1" / CARD).unlink()
    if text is not None:
        (folder / "1" / CARD).write_bytes(text.encode("latin-1"))
    [version] = versions(folder)
    assert (version.number, version.run, version.pushed, version.digest) == (1, "", "", "")
    assert (version.metrics, version.champion_metrics, version.digests) == ({}, None, {})
    assert not version.blessed
    assert not version.first
    assert live(folder) == 1


def test_only_finite_numbers_are_metrics(pushed):
    figures = {"auc": 0.5, "rows": 3, "f1": float("nan"), "r2": float("-inf"), "x": "1", "y": True}
    [version] = versions(pushed(card(metrics=figures)))
    assert version.metrics == {"auc": 0.5, "rows": 3.0}
    json.dumps(version.metrics, allow_nan=False)


def test_one_version_by_its_number(pushed):
    folder = pushed(card(), card(run="r2", problem={"label": "y", "task": "binary"}))
    assert find(folder, 2) == versions(folder)[1]
    assert find(folder, 2).problem == {"label": "y", "task": "binary"}
    assert find(folder, 3) is None
    assert numbers(folder) == [1, 2]
