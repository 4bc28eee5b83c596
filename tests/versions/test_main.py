"""`python -m beltline.versions FOLDER`, as somebody calls it in a pod."""

import subprocess
import sys
from pathlib import Path

import pytest

from beltline.versions.live import live, order
from beltline.versions.push import hold, push

ROOT = Path(__file__).parents[2]


def call(*words, cwd=ROOT):
    """Returns the exit code, and what was written."""
    done = subprocess.run(
        [sys.executable, "-m", "beltline.versions", *map(str, words)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.fixture
def folder(tmp_path):
    """Three pushed versions."""
    for number in (1, 2, 3):
        model = tmp_path / f"model{number}"
        model.mkdir()
        (model / "saved_model.pb").write_text(f"model {number}")
        card = {"pushed": f"2026-11-2{number}T03:00:00+00:00", "run": f"r{number}"}
        push(model, tmp_path / "line", card)
    return tmp_path / "line"


def test_it_lists_them(folder):
    code, said = call(folder)
    assert code == 0
    assert [line.split() for line in said.splitlines()] == [
        ["1", "2026-11-21T03:00:00+00:00", "r1"],
        ["2", "2026-11-22T03:00:00+00:00", "r2", "previous"],
        ["3", "2026-11-23T03:00:00+00:00", "r3", "live"],
    ]


def test_a_version_without_a_card_is_listed(folder):
    (folder / "2/assets.extra/version.json").unlink()
    assert call(folder)[1].splitlines()[1].split() == ["2", "-", "-", "previous"]


def test_back_and_forth(folder):
    assert call(folder, "promote", 1) == (0, "line: version 1 is now live (previously version 3)")
    assert call(folder, "promote", 1) == (0, "line: version 1 is already live")
    assert order(folder)[:2] == [1, 3]
    assert call(folder, "rollback") == (0, "line: rolled back to version 3 (previously version 1)")
    assert live(folder) == 3


def test_the_folder_may_be_the_one_it_is_called_in(folder):
    assert call(".", "rollback", cwd=folder)[0] == 0
    told = (folder / "serving.config").read_text()
    assert 'name: "line"' in told and f'base_path: "{folder}"' in told


def test_a_version_that_waits_is_approved_or_rejected(folder, tmp_path):
    for number in (4, 5):
        (tmp_path / "model1" / "saved_model.pb").write_text(f"model {number}")
        hold(tmp_path / "model1", folder, {"run": f"r{number}"})
        assert call(folder)[1].splitlines()[-1].split() == [
            str(number),
            "-",
            f"r{number}",
            "waiting",
        ]
        if number == 4:
            assert call(folder, "reject", 4, "--by", "ann") == (0, "line: version 4 rejected")
            assert call(folder, "reject", 4) == (0, "line: version 4 was rejected already")
    assert call(folder, "approve", 5) == (0, "line: version 5 is now live")
    assert call(folder, "approve", 5) == (0, "line: version 5 was approved already")
    code, said = call(folder, "approve", 4)
    assert code == 2 and "version 4 was rejected by ann" in said and "Traceback" not in said


def test_nothing_was_pushed_yet(tmp_path):
    assert call(tmp_path) == (0, f"{tmp_path.name}: no version has been pushed yet")
    code, said = call(tmp_path, "rollback")
    assert code == 2 and "no version has been pushed yet" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote", 9), "beltline: {folder}: version 9 not found (existing: 1, 2, 3)"),
        (("promote", "x"), "'x' is not a valid integer"),
        (("promote",), "Missing argument 'VERSION'"),
        (("delete",), "No such command 'delete'"),
    ],
)
def test_invalid_arguments(folder, words, said):
    code, text = call(folder, *words)
    assert code == 2 and "Traceback" not in text
    assert said.format(folder=folder) in text
    assert live(folder) == 3


@pytest.mark.parametrize("words", [(), ("promote", 1)])
def test_a_missing_folder(tmp_path, words):
    missing = tmp_path / "lime"
    code, said = call(missing, *words)
    assert code == 2
    assert said == f"beltline: {missing}: no such folder; versions are in served/<name>"
    assert not missing.exists()


def test_no_folder_is_named():
    code, said = call()
    assert code == 2 and "Missing argument 'FOLDER'" in said


def test_an_unwritable_folder(folder):
    (folder / ".lock").unlink()
    (folder / ".lock").mkdir()
    code, said = call(folder, "promote", 1)
    assert code == 2
    assert said == f"beltline: {folder}/.lock: Is a directory; nothing was changed"
    assert live(folder) == 3
