"""Where the warm worker listens: one place for each environment, closed to everybody else."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from beltline.runners.warm.address import IDLE, WorkerUnavailable, address, idle_seconds


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_same_environment_has_the_same_address() -> None:
    assert address() == address()
    assert stat.S_IMODE(address().parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "PYTHONPATH"])
def test_what_libraries_read_while_they_load_makes_another(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = address()
    monkeypatch.setenv(name, "something else")
    assert address() != before


def test_what_a_node_is_told_makes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    before = address()
    monkeypatch.setenv("BELTLINE_ROOT", "elsewhere")
    assert address() == before


def test_a_folder_that_others_can_enter_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / f"beltline-{os.geteuid()}"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(WorkerUnavailable, match="private"):
        address()


def test_a_link_to_a_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / f"beltline-{os.geteuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(WorkerUnavailable):
        address()


def test_how_long_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IDLE, raising=False)
    assert idle_seconds() == 600
    monkeypatch.setenv(IDLE, "2.5")
    assert idle_seconds() == 2.5


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan"])
def test_no_worker_is_wanted_or_the_number_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(IDLE, text)
    with pytest.raises(WorkerUnavailable, match=text):
        idle_seconds()
