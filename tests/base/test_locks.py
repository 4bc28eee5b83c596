"""The lock of a folder: one writer at a time, and free again whatever happens."""

import fcntl
from pathlib import Path

import pytest

from beltline.base import digest
from beltline.base.locks import locked


def is_free(folder: Path) -> bool:
    """Whether another descriptor gets the lock, as another process would."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_it_is_held_inside_and_free_after(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert not is_free(tmp_path)
    assert is_free(tmp_path)


def test_it_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    assert is_free(tmp_path)


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"), locked(tmp_path / "nothing"):
        pytest.fail("entered")


def test_a_pin_may_begin_with_a_capital_and_counts_as_it_stands() -> None:
    text = "PyYAML==6.0.2 \\\n    --hash=sha256:aa\nabsl-py==1.4.0\n# a comment\n"
    assert digest.of_lock(text) == digest.of_parts({"PyYAML==6.0.2": b"", "absl-py==1.4.0": b""})
