"""An exclusive lock of a folder: writers hold it, readers need none."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the exclusive lock of a folder; waits for whoever holds it.

    Raises:
      OSError: the folder can't be written.
    """
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
