"""Atomic writing: after a crash, a reader finds a file's old content or its new one.

The new content is flushed to the disk and renamed, and then the rename is flushed too: `publish`
does so for what the caller has staged. The other functions stage a text, or a file, by themselves.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def publish(staged: Path, path: Path) -> None:
    """Renames a staged file, or folder, to `path`; returns once that is on the disk.

    Args:
      staged: on the same file system as `path`; the files in a folder must be flushed already.
      path: its new name; an existing file is replaced.

    Raises:
      OSError: the disk is full or not writable; `path` has its old content or the new one.
    """
    flush(staged)
    _rename(staged, path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name beside `path`; publishes it on success, removes it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace(file: Path, text: str) -> None:
    """Replaces a small file's text; returns once the new one is on the disk."""
    stage(file, text)
    put(file)


def stage(file: Path, text: str) -> None:
    """Writes the text that `put` will publish; a full disk shows here."""
    _staged(file).write_text(text, encoding="utf-8")
    flush(_staged(file))


def put(file: Path) -> None:
    """Publishes the staged text of a file."""
    _rename(_staged(file), file)


def flush(path: Path) -> None:
    """Returns once the content of a file, or the entries of a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(staged: Path, path: Path) -> None:
    staged.rename(path)
    flush(path.parent)


def _staged(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")
