"""A control group with a limit of memory, such as a container has."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# As deploy/kubernetes has it.
POD_MEGABYTES = 1536
_GROUPS = Path("/sys/fs/cgroup")


class MemoryGroup:
    """A control group of Linux, of version 1 or 2."""

    def __init__(self, folder: Path, limit: str, peak: str) -> None:
        self.folder = folder
        self.processes = folder / "cgroup.procs"
        self._limit, self._peak = folder / limit, folder / peak

    def limit(self, megabytes: int) -> None:
        """Sets the limit: whoever goes beyond it is killed."""
        self._limit.write_text(str(megabytes * 2**20))

    def peak(self) -> float:
        """Returns the most memory that was in use, in MiB, files' contents included."""
        return int(self._peak.read_text()) / 2**20


@contextmanager
def memory_group(megabytes: int) -> Iterator[MemoryGroup]:
    """Makes a group, and removes it once its processes have ended; skips where that can't be."""
    try:
        group = _made(f"beltline-test-{secrets.token_hex(4)}")
        group.limit(megabytes)
    except OSError as error:
        pytest.skip(f"no control group for memory: {error}")
    try:
        yield group
    finally:
        group.folder.rmdir()


def _made(name: str) -> MemoryGroup:
    if os.geteuid():
        raise PermissionError("only root makes one here")
    if (_GROUPS / "memory").is_dir():
        group = MemoryGroup(
            _GROUPS / "memory" / name, "memory.limit_in_bytes", "memory.max_usage_in_bytes"
        )
    else:
        if "memory" not in (_GROUPS / "cgroup.subtree_control").read_text():
            raise FileNotFoundError(f"{_GROUPS} hands no memory controller on")
        group = MemoryGroup(_GROUPS / name, "memory.max", "memory.peak")
    group.folder.mkdir()
    return group
