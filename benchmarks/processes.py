"""A command as a process of its own: its wall seconds, and the most memory that it and its held.

Memory is the proportional set size (PSS) of the process and all its descendants together: pages
that forked processes share count once. Linux alone says it (`/proc/PID/smaps_rollup`), and counts
the pages to say it: 20 ms for each process that has TFX loaded. So it is asked every 0.2 s, or as
seldom as keeps the asking below 5 % of one core: it would slow down whoever has more processes.
"""

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import psutil

_EVERY_SECONDS = 0.2
_SHARE_OF_CORE = 0.05
_PSS = re.compile(r"^Pss: +(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Measured:
    """What a process cost."""

    seconds: float
    mib: float
    """The most memory at one time."""


def measure(words: Sequence[str], environment: Mapping[str, str], log: Path) -> Measured:
    """Runs a command to its end.

    Args:
      words: the command.
      environment: laid over this process's own.
      log: what the command writes goes there.

    Raises:
      click.ClickException: its exit code isn't 0; the message holds the last lines of the log.
    """
    started = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, env=os.environ | dict(environment), stdout=out, stderr=subprocess.STDOUT
        )
        with _Watch(process.pid) as watch:
            code = process.wait()
            seconds = time.monotonic() - started
    if code:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise click.ClickException(f"exit code {code} of {' '.join(words)}\n{last}")
    return Measured(seconds, watch.mib)


class _Watch:
    """Looks at a process's memory, in a thread of its own, until the end of a `with`."""

    def __init__(self, pid: int):
        self.mib = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        pause = _EVERY_SECONDS
        while not self._ended.wait(pause):
            started = time.thread_time()
            self.mib = max(self.mib, tree_mib(self._pid))
            pause = max(_EVERY_SECONDS, (time.thread_time() - started) / _SHARE_OF_CORE)


class ProcessorTime:
    """The processor seconds of this process's descendants over time, until the end of a `with`."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "ProcessorTime":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def between(self, begin: float, end: float) -> float:
        """Returns the processor seconds between two times, in seconds since the epoch."""
        times, spent = zip(*self._seen, strict=True)
        before, after = np.interp([begin, end], times, spent)
        return float(after - before)

    def _look(self) -> None:
        while True:
            self._seen.append((time.time(), tree_processor_seconds()))
            if self._ended.wait(_EVERY_SECONDS):
                return


def tree_processor_seconds() -> float:
    """Returns the processor seconds of this process's descendants, also of those that ended."""
    own = psutil.Process()
    times = own.cpu_times()
    total = float(times.children_user + times.children_system)
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            # Those of ended children are their parents'.
            total += float(sum(child.cpu_times()[:4]))
    return total


def tree_mib(pid: int) -> float:
    """Returns the PSS of a process and its descendants, in MiB; what has ended counts nothing."""
    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(_kib, [pid, *(child.pid for child in descendants)])) / 1024


def _kib(pid: int) -> int:
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) if found else 0
