"""Which versions stay, which are deleted, and what is cleared away."""

import json
import re

import pytest

from beltline.base.errors import WrongInput
from beltline.versions.folder import CARD, CHECK_ROWS, model_digest, numbers
from beltline.versions.live import promote, rollback
from beltline.versions.local import clear
from beltline.versions.push import push
from beltline.versions.retention import expire
from tests.versions.test_live import push_one


@pytest.fixture
def folder(tmp_path):
    """Six pushed versions."""
    for number in range(1, 7):
        push_one(tmp_path / "line", number)
    return tmp_path / "line"


@pytest.mark.parametrize(
    ("keep", "kept"), [(1, [5, 6]), (2, [5, 6]), (3, [4, 5, 6]), (9, [1, 2, 3, 4, 5, 6])]
)
def test_the_newest_are_kept_with_the_live_one_and_the_one_before(folder, keep, kept):
    gone = expire(folder, keep)
    assert numbers(folder) == kept
    assert gone == [number for number in range(1, 7) if number not in kept]


def test_a_promoted_version_and_the_one_before_it_are_kept(folder):
    promote(folder, 2)
    promote(folder, 1)
    assert expire(folder, 1) == [3, 4, 5]
    assert numbers(folder) == [1, 2, 6]
    assert rollback(folder) == (1, 2)


def test_what_killed_processes_left_is_cleared_and_nothing_else(folder):
    for name in (".staged-a", ".gone-1", "other"):
        (folder / name / "inner").mkdir(parents=True)
    clear(folder)
    left = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    assert left == {"1", "2", "3", "4", "5", "6", "other"}
    (folder / ".gone-2").mkdir()
    expire(folder, 9)
    assert not (folder / ".gone-2").exists()


def test_a_pushed_version_is_readable_by_others_and_carries_its_extra_files(folder, tmp_path):
    model, rows = tmp_path / "model", tmp_path / "rows.json"
    model.mkdir()
    (model / "saved_model.pb").write_text("model 7")
    rows.write_text("[]")
    assert push(model, folder, {"run": "r"}, {CHECK_ROWS: rows}) == (7, True)
    assert (folder / "7").stat().st_mode & 0o777 == 0o755
    assert (folder / "7" / CHECK_ROWS).read_text() == "[]"
    card = (folder / "7" / CARD).read_text()
    assert json.loads(card) == {"run": "r", "version": 7, "digest": model_digest(model)}
    assert card.startswith('{\n  "digest": ')
    assert card.endswith("}\n")


def test_the_refusal_of_a_rollback_says_what_to_do(tmp_path):
    push_one(tmp_path / "line", 1)
    wanted = (
        "version 1 is live, and there is no previous version; `beltline models` lists what can be "
        "promoted"
    )
    with pytest.raises(WrongInput, match=f"^{re.escape(wanted)}$"):
        rollback(tmp_path / "line")


def test_a_linked_version_is_unlinked_and_blocks_no_push(folder, tmp_path):
    elsewhere = (folder / "1").rename(tmp_path / "elsewhere")
    (folder / "1").symlink_to(elsewhere)
    assert numbers(folder) == [1, 2, 3, 4, 5, 6]
    assert expire(folder, 2) == [1, 2, 3, 4]
    push_one(folder, 7)
    assert numbers(folder) == [5, 6, 7]
    assert (elsewhere / "saved_model.pb").is_file()
