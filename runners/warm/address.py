"""Where the warm worker of this user and this environment listens.

A worker has imported its code once, so a changed lock, a changed source file or a variable that
libraries read while they are imported needs another one: all of them are in the address. The old
worker ends by itself when nobody asks it any more.
"""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beltline.bundle.environment import PACKAGES

# Seconds without a node after which a worker ends; 0 means that there is to be none.
IDLE = "BELTLINE_WORKER_IDLE"
_IDLE_SECONDS = 600.0

_READ_BY_LIBRARIES = ("CUDA", "KERAS", "LD_", "MALLOC_", "OMP_", "PYTHON", "TF_", "TMPDIR", "XLA_")


class WorkerUnavailable(Exception):
    """There is no warm worker, and none can be had; the message says why."""


def idle_seconds() -> float:
    """Returns how long a worker waits for a node before it ends.

    Raises:
      WorkerUnavailable: the environment says that there is to be none, or makes no sense.
    """
    text = os.environ.get(IDLE) or str(_IDLE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        raise WorkerUnavailable(f"{IDLE}={text} is no number of seconds") from None
    if not seconds > 0:
        raise WorkerUnavailable(f"{IDLE}={text}")
    return seconds


def address() -> Path:
    """Returns the path of the worker's socket, in a folder that only this user can enter.

    Raises:
      WorkerUnavailable: somebody else has made that folder, or left it open to others.
    """
    folder = Path(tempfile.gettempdir()) / f"beltline-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise WorkerUnavailable(f"{folder}: {error.strerror}") from None
    closed = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not closed or found.st_uid != os.geteuid():
        raise WorkerUnavailable(f"{folder} is not a folder of this user's own (mode 0700)")
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
    """Yields what tells a changed file from the old one, without reading any."""
    files = [Path(sys.prefix) / "beltline.lock"]
    for package in PACKAGES:
        files += sorted((sources() / "beltline" / package).rglob("*.py"))
    for file in files:
        if file.exists():
            found = file.stat()
            yield f"{file} {found.st_size} {found.st_mtime_ns}"
