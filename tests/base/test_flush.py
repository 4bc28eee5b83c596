"""What reaches the disk, and in which order: what a power cut leaves depends on it."""

import contextlib
import os
from pathlib import Path

import pytest

from beltline.base.files import flush, put, replace, stage


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the process asks of the kernel: names of what is flushed, and renames."""
    seen: list[str] = []
    fsync, rename = os.fsync, os.rename

    def flushed(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append(f"fsync {path.name}: {path.read_text()}" if path.is_file() else "fsync folder")
        fsync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        seen.append(f"rename {Path(source).name} {Path(target).name}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "rename", renamed)
    return seen


def test_a_replaced_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, calls: list[str]
) -> None:
    (tmp_path / "live.json").write_text("old")
    replace(tmp_path / "live.json", "new")
    assert calls == [
        "fsync live.json.new: new",
        "rename live.json.new live.json",
        "fsync folder",
    ]
    assert (tmp_path / "live.json").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["live.json"]


def test_staged_text_is_flushed_and_the_old_file_stays_until_put(
    tmp_path: Path, calls: list[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    stage(file, "näu")
    assert (file.read_text(), calls) == ("old", ["fsync file.new: näu"])
    put(file)
    assert file.read_text(encoding="utf-8") == "näu"
    assert calls[1:] == ["rename file.new file", "fsync folder"]


def test_flush_leaves_no_descriptor_open(tmp_path: Path) -> None:
    for _ in range(5):
        flush(tmp_path)
    assert not [each for each in opened() if each.startswith(str(tmp_path))]
    with tmp_path.joinpath("file").open("w"):
        assert [each for each in opened() if each.startswith(str(tmp_path))]
    with pytest.raises(FileNotFoundError):
        flush(tmp_path / "nothing")


def opened() -> list[str]:
    """What this process has open; what is closed while one looks is left out."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(each.readlink()))
    return found
