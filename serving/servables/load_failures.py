"""Versions that failed to load: why, and when each is retried.

A version is retried once its files have changed, which its fingerprint tells. It is retried after a
while too, since not all reasons lie in the files: memory may have been short.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

RETRY_SECONDS = 30.0
QUIET_SECONDS = 2.0

Fingerprint = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of the last change (ns) of each file."""


@dataclass(frozen=True)
class _Failure:
    why: str
    fingerprint: Fingerprint
    retry_at: float


class LoadFailures:
    """Why each version failed to load, by its number."""

    def __init__(self) -> None:
        self._by_number: dict[int, _Failure] = {}

    def is_too_early(self, number: int, now: Fingerprint) -> bool:
        """Whether a version must not be retried yet; `now` is its folder's fingerprint."""
        known = self._by_number.get(number)
        return known is not None and known.fingerprint == now and time.monotonic() < known.retry_at

    def add(self, number: int, why: str, before: Fingerprint) -> bool:
        """Records a failure; returns whether it is a new one.

        Args:
          number: the version.
          why: the reason.
          before: the folder's fingerprint before the attempt.
        """
        known = self._by_number.get(number)
        self._by_number[number] = _Failure(why, before, time.monotonic() + RETRY_SECONDS)
        return known is None or known.why != why

    def forget(self, number: int) -> None:
        """Forgets a version that was loaded in the end, or deleted."""
        self._by_number.pop(number, None)


def fingerprint(folder: Path) -> Fingerprint:
    """Returns what changes when a file below `folder` does; unreadable files are left out."""
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return frozenset(found for file in files if (found := _of_file(file)))


def is_quiet(found: Fingerprint) -> bool:
    """Whether no file has changed for a while, so that whoever copied them here is done."""
    # Whatever age a copy claims, this time is the disk's own; its clock may be ahead.
    now = time.time()
    return all(abs(now - changed / 1e9) >= QUIET_SECONDS for *_, changed in found)


def _of_file(file: Path) -> tuple[str, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_ino, found.st_size, found.st_ctime_ns
