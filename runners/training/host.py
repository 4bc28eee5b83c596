"""What a Dask worker does for a training: starts a process, hands calls on, and ends it.

Dask runs these functions in the worker's event loop, beside its tasks, so that none of them waits.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from typing import Any

State = tuple[str, Any]
"""As of `child.Answer`, or `running`, or `ended` with an exit code, or `unknown`."""
UNKNOWN: State = ("unknown", None)
"""This worker is not the one that has started the process."""
SILENCE = 300.0
"""Seconds after which a process is ended that nobody asks about: the Trainer was killed."""
_POLL_SECONDS, _TICK_SECONDS = 1.0, 0.002

_processes: dict[str, "_Process"] = {}


def start(
    name: str, archive: bytes, factory: str, ranks: Mapping[str, int], dask_worker: Any
) -> None:
    """Starts a process.

    Args:
      name: of the training.
      archive: the content of the bundle's `code.zip`.
      factory: dotted name of what makes the process' object, of its rank and the number of ranks.
      ranks: by the worker's address.
      dask_worker: this one; Dask sets it.
    """
    _processes[name] = _Process(name, archive, factory, ranks, dask_worker)


def send(name: str, method: str, arguments: Sequence[Any]) -> State:
    """Calls a method of the process' object, and returns its state."""
    if name not in _processes:
        return UNKNOWN
    return _processes[name].send(method, tuple(arguments))


async def poll(name: str) -> State:
    """Returns the process' state, after a while at most: one that is done keeps its result."""
    return await _processes[name].state() if name in _processes else UNKNOWN


def take(name: str) -> State:
    """Returns the process' state, and with `done` what the method has returned."""
    return _processes[name].answer if name in _processes else UNKNOWN


def stop(name: str) -> None:
    """Kills the process, if it still runs."""
    if name in _processes:
        _processes.pop(name).kill()


class _Process:
    def __init__(
        self, name: str, archive: bytes, factory: str, ranks: Mapping[str, int], worker: Any
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="beltline-training-"))
        file = self._folder / "code.zip"
        file.write_bytes(archive)
        self._connection, end = Pipe()
        command = [sys.executable, "-m", "beltline.runners.training.child"]
        arguments = [str(end.fileno()), str(file), factory, str(ranks[worker.address])]
        self._popen = subprocess.Popen(  # noqa: S603
            [*command, *arguments, str(len(ranks))],
            pass_fds=[end.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": str(worker.state.nthreads)},
        )
        end.close()
        self.answer: State = ("running", None)
        self._heard = time.monotonic()
        Thread(target=self._read, args=(name,), daemon=True).start()

    def send(self, method: str, arguments: tuple[Any, ...]) -> State:
        self._heard = time.monotonic()
        if self.answer[0] != "ended":
            self.answer = ("running", None)
            # If it has ended just now, the next poll says so.
            with suppress(OSError):
                self._connection.send((method, arguments))
        return self.answer

    async def state(self) -> State:
        until = time.monotonic() + _POLL_SECONDS
        while self.answer[0] == "running" and time.monotonic() < until:
            await asyncio.sleep(_TICK_SECONDS)
        self._heard = time.monotonic()
        state, value = self.answer
        return state, None if state == "done" else value

    def kill(self) -> None:
        self._popen.kill()

    def _read(self, name: str) -> None:
        """Reads answers until the process ends; kills it when nobody asks any more."""
        try:
            while True:
                if self._connection.poll(_POLL_SECONDS):
                    self.answer = self._connection.recv()
                elif time.monotonic() - self._heard > SILENCE:
                    stop(name)
        except (EOFError, OSError):
            self.answer = ("ended", self._popen.wait())
            self._connection.close()
            shutil.rmtree(self._folder, ignore_errors=True)
