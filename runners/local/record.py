"""What the local runner remembers of its own runs: one at a time, the last good one, dead ones.

ML Metadata knows the nodes of any run; these small files know which runs were this root's, what
went into them, and whether the process that ran them is still there.
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

from beltline.base.errors import WrongInput

_SOMEBODY = "another process"

RecordEnd = Literal["running", "done", "failed", "refused", "stopped"]


@dataclass(frozen=True)
class Record:
    """One local run. `inputs` is the digest of all that its outcome depends on."""

    run: str
    name: str
    bundle: str
    inputs: str
    end: RecordEnd = "running"
    version: str = ""

    def write(self, root: Path) -> None:
        """Writes the record, so that a reader sees the old one or the new one."""
        file = _file(root, self.run)
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = file.with_suffix(".part")
        staged.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        staged.replace(file)

    def ended(self, end: RecordEnd, version: str = "") -> "Record":
        """Returns the record of the same run, now ended."""
        return replace(self, end=end, version=version)


def records(root: Path) -> list[Record]:
    """Returns the local runs of a root, oldest first."""
    found = [_read(file) for file in sorted((root / "runs").glob("*.json"))]
    return [record for record in found if record]


def _read(file: Path) -> Record | None:
    """Returns the record in a file; None if a power cut, or another version, has left none."""
    try:
        return Record(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None


def last_good(root: Path, name: str, inputs: str) -> Record | None:
    """Returns the last run of a pipeline if it ended well with the same inputs."""
    ours = [record for record in records(root) if record.name == name]
    last = ours[-1] if ours else None
    return last if last and last.end == "done" and last.inputs == inputs else None


@contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Holds the root for one run; its node processes hold it too, should this process be killed.

    Raises:
      WrongInput: a run is going on there, or the root can't be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "run.lock").open("a+")
    except OSError as error:
        raise WrongInput(f"the root {root} can't be written: {error.strerror}") from None
    with lock:
        try:
            _lock(lock)
        except BlockingIOError:
            lock.seek(0)
            found = lock.read().strip() or _SOMEBODY
            raise WrongInput(
                f"a run is going on in {root} ({found}); wait for it, or use another BELTLINE_ROOT"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        yield


def holder(root: Path) -> str | None:
    """Returns who is running in a root, such as `process 12`; None if nobody is."""
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
    """Takes the lock; tries for a moment, since `holder` holds it for as long as it looks."""
    for _ in range(5):
        with suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.02)
    return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _file(root: Path, run: str) -> Path:
    return root / "runs" / f"{run}.json"
