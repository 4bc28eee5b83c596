"""Who changes the folder of served versions holds its lock; who reads needs none."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder alone; waits for whoever holds it.

    Raises:
      OSError: the folder can't be written.
    """
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def flush(path: Path) -> None:
    """Returns once a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(file: Path, text: str) -> None:
    """Writes a small file so that a reader, or a power cut, meets the old text or the new one."""
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


def _staged(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")
