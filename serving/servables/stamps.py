"""Whether a version's files changed since they were last looked at, and whether they still do."""

import os
import time
from pathlib import Path

REST_SECONDS = 2.0

Stamp = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of the last change (ns) of each file."""


def stamp(folder: Path) -> Stamp:
    """Returns what changes when a file below `folder` does; what can't be read is left out."""
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return frozenset(found for file in files if (found := _seen(file)))


def at_rest(found: Stamp) -> bool:
    """Whether no file has changed for a while, so that whoever copied them here is done."""
    # Whatever a copy says of the file's age, this time is the disk's own; its clock may be ahead.
    now = time.time()
    return all(abs(now - changed / 1e9) >= REST_SECONDS for *_, changed in found)


def _seen(file: Path) -> tuple[str, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_ino, found.st_size, found.st_ctime_ns
