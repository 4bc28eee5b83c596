"""Records of the local runs of a root, and the lock that lets one run at a time.

ML Metadata has the nodes of every run. These small files have the runs of this root: the digest of
their inputs, how they ended, and whether their process is still alive.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal

from beltline.base import files
from beltline.base.errors import WrongInput
from beltline.runners.paths import make_root

_SOMEBODY = "another process"

RecordEnd = Literal["running", "done", "failed", "refused", "stopped"]


@dataclass(frozen=True)
class Record:
    """A local run. `inputs` is the digest of everything that its outcome depends on.

    `version` is the one that it pushed, and `waiting` the one that waited for approval at its end.
    `number` counts the runs of a root: the time in a run's id goes back where the clock does.
    """

    run: str
    name: str
    bundle: str
    inputs: str
    end: RecordEnd = "running"
    version: str = ""
    number: int = 0
    waiting: str = ""

    def write(self, root: Path) -> None:
        """Writes the record atomically."""
        file = _file(root, self.run)
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, json.dumps(asdict(self), indent=2))

    def ended(self, end: RecordEnd, version: str = "", waiting: str = "") -> "Record":
        """Returns the record of the same run, now ended."""
        return replace(self, end=end, version=version, waiting=waiting)


def records(root: Path) -> list[Record]:
    """Returns the local runs of a root, oldest first."""
    found = [_read(file) for file in sorted((root / "runs").glob("*.json"))]
    return sorted((record for record in found if record), key=lambda record: record.number)


def next_number(root: Path) -> int:
    """Returns the number of the next run of a root; the caller holds its lock."""
    return max((record.number for record in records(root)), default=0) + 1


def _read(file: Path) -> Record | None:
    """Returns the record in a file; None if it can't be read, as one of another release."""
    try:
        return Record(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None


def last_good(root: Path, name: str, inputs: str) -> Record | None:
    """Returns the last run of a pipeline if it succeeded with the same inputs, else None."""
    ours = [record for record in records(root) if record.name == name]
    last = ours[-1] if ours else None
    return last if last and last.end == "done" and last.inputs == inputs else None


@contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Locks the root for one run; its node processes hold the lock too if this one is killed.

    Raises:
      WrongInput: a run is in progress in the root, or the root is not writable.
    """
    try:
        make_root(root)
        lock = (root / "run.lock").open("a+")
    except OSError as error:
        raise WrongInput(f"the root {root} is not writable: {error.strerror}") from None
    with lock:
        try:
            _lock(lock)
        except BlockingIOError:
            lock.seek(0)
            found = lock.read().strip() or _SOMEBODY
            raise WrongInput(
                f"a run is in progress in {root} ({found}); wait, or use another BELTLINE_ROOT"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        yield


def holder(root: Path) -> str | None:
    """Returns who holds a root's lock, such as `process 12`, or None."""
    try:
        lock = (root / "run.lock").open()
    except OSError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read().strip() or _SOMEBODY
    return None


def _lock(lock: IO[str]) -> None:
    """Takes the lock; retries briefly, as `holder` takes it for a moment to look."""
    for _ in range(5):
        with suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.02)
    return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _file(root: Path, run: str) -> Path:
    return root / "runs" / f"{run}.json"
