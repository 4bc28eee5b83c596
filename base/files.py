"""Atomic writing: a reader, or a power cut, meets a file's old content or its new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` on success, remove it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace(file: Path, text: str) -> None:
    """Replaces a small file's text, and returns once the new one is on the disk."""
    stage(file, text)
    put(file)


def stage(file: Path, text: str) -> None:
    """Writes the text that `put` will put in the file's place; here a full disk shows."""
    _staged(file).write_text(text, encoding="utf-8")
    flush(_staged(file))


def put(file: Path) -> None:
    """Puts the staged text in the file's place."""
    _staged(file).rename(file)
    flush(file.parent)


def flush(path: Path) -> None:
    """Returns once a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _staged(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")
