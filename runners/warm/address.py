"""The address of the warm worker of this user and this environment.

A worker has imported its code once, so a changed lock, source file, or variable that libraries read
at import needs another worker: all of them are part of the address. The old worker exits when idle.
"""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beltline.bundle.environment import PACKAGES

# Seconds without a node after which a worker exits; 0 turns workers off.
IDLE = "BELTLINE_WORKER_IDLE"
_IDLE_SECONDS = 600.0

_READ_BY_LIBRARIES = ("CUDA", "KERAS", "LD_", "MALLOC_", "OMP_", "PYTHON", "TF_", "TMPDIR", "XLA_")


class WorkerUnavailable(Exception):
    """No warm worker is available; the message says why."""


def idle_seconds() -> float:
    """Returns how many seconds a worker waits for a node before it exits.

    Raises:
      WorkerUnavailable: the environment turns workers off, or its value is invalid.
    """
    text = os.environ.get(IDLE) or str(_IDLE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        raise WorkerUnavailable(
            f"{IDLE}: invalid value '{text}': must be a number of seconds"
        ) from None
    if not seconds > 0:
        raise WorkerUnavailable(f"{IDLE}={text}")
    return seconds


def address() -> Path:
    """Returns the path of the worker's socket, in a folder that only this user can enter.

    Raises:
      WorkerUnavailable: the folder belongs to another user, or is open to others.
    """
    folder = Path(tempfile.gettempdir()) / f"beltline-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise WorkerUnavailable(f"{folder}: {error.strerror}") from None
    closed = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not closed or found.st_uid != os.geteuid():
        raise WorkerUnavailable(f"{folder} is not a private folder of this user (mode 0700)")
    return folder / f"{_environment_digest()[:16]}.sock"


def sources() -> Path:
    """Returns the folder that holds the package `beltline`."""
    return Path(__file__).parents[3]


def _environment_digest() -> str:
    total = hashlib.sha256()
    for line in (sys.executable, sys.prefix, str(sources()), *_variables(), *_files()):
        total.update(f"{line}\n".encode())
    return total.hexdigest()


def _variables() -> list[str]:
    names = sorted(name for name in os.environ if name.startswith(_READ_BY_LIBRARIES))
    return [f"{name}={os.environ[name]}" for name in names]


def _files() -> Iterator[str]:
    """Yields the size and the time of every source file, which change with its content."""
    files = [Path(sys.prefix) / "beltline.lock"]
    for package in PACKAGES:
        files += sorted((sources() / "beltline" / package).rglob("*.py"))
    for file in files:
        if file.exists():
            found = file.stat()
            yield f"{file} {found.st_size} {found.st_mtime_ns}"
