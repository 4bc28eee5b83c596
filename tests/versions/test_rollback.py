"""A rollback after a deletion: never to the version that is live."""

import json
import shutil

import pytest

from beltline.base.errors import WrongInput
from beltline.versions.live import live, order, promote, rollback
from tests.versions.test_live import follows, push_one


@pytest.fixture
def folder(tmp_path):
    """Three versions were pushed, then version 2 was promoted and version 3 deleted."""
    for number in (1, 2, 3):
        push_one(tmp_path / "line", number)
    promote(tmp_path / "line", 2)
    shutil.rmtree(tmp_path / "line" / "3")
    return tmp_path / "line"


def test_rollback_skips_an_earlier_entry_of_the_live_version(folder):
    # In the history, 1 2 (3) 2, the live version stands twice in a row by now.
    assert rollback(folder) == (2, 1)
    assert (live(folder), order(folder), follows(folder)) == (1, [1], 1)


def test_rollback_is_refused_when_only_the_live_version_is_left(folder):
    shutil.rmtree(folder / "1")
    with pytest.raises(WrongInput, match="version 2 is live"):
        rollback(folder)
    assert (live(folder), follows(folder)) == (2, 2)


def test_a_push_after_such_a_rollback_is_live(folder):
    rollback(folder)
    push_one(folder, 4)
    assert (live(folder), follows(folder)) == (4, 4)
    assert rollback(folder) == (4, 1)


def test_the_history_keeps_its_last_hundred_entries(folder):
    for number in [1, 2] * 60:
        promote(folder, number)
    assert json.loads((folder / "live.json").read_text()) == {"history": [1, 2] * 50, "seen": 2}
