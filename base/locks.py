"""An exclusive lock of a folder: writers hold it, readers need none."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path, name: str = ".lock") -> Iterator[None]:
    """Holds an exclusive lock of a folder; waits for whoever holds it.

    Args:
      folder: an existing folder.
      name: the lock's file in it.

    Raises:
      OSError: the folder can't be written.
    """
    with (folder / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
