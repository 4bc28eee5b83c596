"""A file is replaced whole or not at all."""

from pathlib import Path

import pytest

from beltline.base import files
from beltline.base.files import publish, put, replace, replacing, stage


def test_success_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_staged_text_shows_once_it_is_put(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    replace(path, "old")
    stage(path, "new")
    assert path.read_text() == "old"
    put(path)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_published_too(tmp_path: Path) -> None:
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "file").write_text("text")
    publish(tmp_path / "staged", tmp_path / "1")
    assert (tmp_path / "1" / "file").read_text() == "text"
    assert not (tmp_path / "staged").exists()


def test_the_content_is_on_the_disk_before_its_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, str]] = []
    path = tmp_path / "file.txt"

    def fsync(descriptor: int) -> None:
        synced = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append((synced.name, path.read_text() if path.exists() else ""))

    monkeypatch.setattr(files.os, "fsync", fsync)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert steps == [(".file.txt.partial", ""), (tmp_path.name, "new")]
