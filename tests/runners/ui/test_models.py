"""Versions as the pages show them, in a folder and in an object store."""

import json

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.ui.models import live_and_previous, overview, row_of
from beltline.versions.approval import approve, reject
from beltline.versions.folder import CARD
from beltline.versions.live import promote, rollback
from beltline.versions.push import hold, push
from tests.versions.pushed import model


@pytest.fixture
def made(tmp_path):
    return lambda name: model(tmp_path / "models" / name, name)


def states(place):
    return {row.version.number: (row.state, row.actions) for row in overview(place).rows}


def test_before_the_first_push(place):
    found = overview(place)
    assert (found.rows, found.metrics, dict(found.gone)) == ([], [], {})
    assert live_and_previous(place) == []
    assert row_of(place, 1) is None


def test_versions_are_listed_newest_first_with_what_can_be_done(place, made):
    push(made("a"), place, {"metrics": {"auc": 0.8}, "pushed": "2026-01-02T03:04:05+00:00"})
    assert states(place) == {1: ("live", ())}
    push(made("b"), place, {"metrics": {"auc": 0.9, "f1": 0.5}})
    push(made("c"), place, {})
    hold(made("d"), place, {"run": "r4"})
    assert list(states(place).items()) == [
        (4, ("waiting", ("approve", "reject"))),
        (3, ("live", ("rollback",))),
        (2, ("previous", ("promote",))),
        (1, ("", ("promote",))),
    ]
    assert overview(place).metrics == ["auc", "f1"]
    assert row_of(place, 1).pushed == 1767323045
    assert row_of(place, 4).version.run == "r4"
    assert live_and_previous(place) == [3, 2]
    promote(place, 1)
    assert live_and_previous(place) == [1, 3]


def test_a_version_that_was_not_compared_with_the_live_one_can_only_be_rejected(place, made):
    push(made("a"), place, {})
    push(made("b"), place, {})
    rollback(place)
    hold(made("c"), place, {})
    promote(place, 2)
    assert row_of(place, 3).actions == ("reject",)


def test_decisions_are_shown_with_their_version_or_alone(place, made):
    hold(made("a"), place, {})
    approve(place, 1, "ann", "fine")
    hold(made("b"), place, {})
    reject(place, 2, "bob", "odd")
    hold(made("c"), place, {})
    hold(made("d"), place, {})
    found = overview(place)
    assert (row_of(place, 1).decision.by, row_of(place, 1).decision.note) == ("ann", "fine")
    assert [(number, each.verdict) for number, each in found.gone.items()] == [
        (3, "superseded"),
        (2, "rejected"),
    ]
    assert row_of(place, 2) is None


def test_cards_that_are_broken_are_shown_without_metrics(tmp_path, made):
    place = tmp_path / "line"
    push(made("a"), place, {"metrics": {"auc": 0.8}})
    for card in ("{", "[]", json.dumps({"metrics": {"auc": "x"}, "pushed": "yesterday"})):
        (place / "1" / CARD).write_text(card)
        [row] = overview(place).rows
        assert (row.state, row.version.metrics, row.pushed) == ("live", {}, None)


def test_what_cannot_be_read_is_said(tmp_path):
    for read in (overview, live_and_previous, lambda place: row_of(place, 1)):
        with pytest.raises(WrongInput, match="can't be read: File name too long"):
            read(tmp_path / ("x" * 300))
