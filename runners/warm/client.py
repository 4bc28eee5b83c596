"""`python -m beltline.runners.warm`: the node runner, by way of a worker that has imported TFX.

It imports the standard library only, since it is started for every node.
"""

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from beltline.base.database_url import DATABASE
from beltline.runners.node.parent import end_with_parent
from beltline.runners.paths import METADATA
from beltline.runners.warm.address import WorkerUnavailable, address, idle_seconds, sources
from beltline.runners.warm.messages import Channel, NodeRequest

_ATTEMPTS = 3
_START_SECONDS = 30
_SECRET = (METADATA, DATABASE)
# A worker that was killed has its nodes stopped by the kernel; they get this long to say so.
_GRACE_SECONDS = 25
_RECONCILE_SECONDS = 60


class _WorkerLost(Exception):
    """The worker was killed while it had our node."""


def main() -> NoReturn:
    """Runs one node and ends as the node runner would."""
    end_with_parent()
    arguments = sys.argv[1:]
    try:
        ended = _by_worker(arguments)
    except WorkerUnavailable as reason:
        print(f"no warm worker ({reason}): a process of its own", file=sys.stderr)
        ended = _by_itself(arguments)
    except _WorkerLost:
        print("the warm worker was killed; its node was stopped", file=sys.stderr)
        _reconcile(arguments, "the worker was killed")
        ended = 1
    if ended < 0:
        _reconcile(arguments, f"its process was killed ({signal.Signals(-ended).name})")
        _end_by(-ended)
    sys.exit(ended)


def _by_worker(arguments: list[str]) -> int:
    """Returns the exit code, or the signal below zero.

    Raises:
      WorkerUnavailable: none can be had; nothing has been started.
      _WorkerLost: the worker was killed; so was the node.
    """
    idle_seconds()
    request = NodeRequest(arguments, str(Path.cwd()), dict(os.environ))
    for _ in range(_ATTEMPTS):
        channel = _connected()
        with channel.connection:
            try:
                channel.ask(request)
                process = int(channel.next()["started"])
            except OSError:
                # It came to the end of its patience just then.
                continue
            return _followed(channel, process)
    raise WorkerUnavailable("it ended whenever it was asked; its log is beside its socket")


def _connected() -> Channel:
    """Connects to the worker, and starts one if there is none."""
    where = address()
    started = False
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            return Channel.to(where)
        if not started:
            _start_worker(where)
            started = True
        time.sleep(0.05)
    raise WorkerUnavailable(f"none answers at {where}")


def _start_worker(where: Path) -> None:
    # Each node brings its own environment; the worker needs no password.
    kept = {name: text for name, text in os.environ.items() if name not in _SECRET}
    with where.with_suffix(".log").open("w") as log:
        # Our own interpreter and module; no shell.
        subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "beltline.runners.warm.worker", str(where)],
            cwd=sources(),
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Whoever ends this node's process group must not end the worker.
            start_new_session=True,
        )


def _followed(channel: Channel, process: int) -> int:
    """Waits for the node's end; passes signals on meanwhile."""
    # A handle, since the number may be another process's by the time that it is needed.
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(process)
        with _on_signals(lambda number: channel.send({"signal": number})):
            try:
                return int(channel.next()["ended"])
            except OSError:
                _end(handle)
                raise _WorkerLost from None
            finally:
                os.close(handle)
    return int(channel.next()["ended"])


def _end(handle: int) -> None:
    """Waits for a process that the kernel was asked to stop; kills it if it takes too long."""
    if not select.select([handle], [], [], _GRACE_SECONDS)[0]:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)


def _by_itself(arguments: list[str]) -> int:
    """Runs the node in a process of its own; returns its exit code, or the signal below zero."""
    command = [sys.executable, "-m", "beltline.runners.node", *arguments]
    # No shell; and this process has one thread, which is what a preexec_fn needs.
    node = subprocess.Popen(command, preexec_fn=end_with_parent)  # noqa: S603, PLW1509 - see above
    with _on_signals(node.send_signal):
        return node.wait()


@contextmanager
def _on_signals(do: Callable[[int], object]) -> Iterator[None]:
    """Does something else than to end on SIGTERM and SIGINT."""

    def handle(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            do(number)

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _reconcile(arguments: list[str], reason: str) -> None:
    """Has ML Metadata told of a node that was killed and could not say so itself."""
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for option in ("--bundle", "--run", "--node"):
        parser.add_argument(option, required=True)
    try:
        named, _ = parser.parse_known_args(arguments)
    except (argparse.ArgumentError, SystemExit):
        return
    words = ["--bundle", named.bundle, "--run", named.run, "--node", named.node]
    command = [
        sys.executable,
        "-m",
        "beltline.runners.metadata.reconcile",
        *words,
        "--reason",
        reason,
    ]
    with contextlib.suppress(subprocess.TimeoutExpired):
        # The words are passed on as they are; no shell.
        subprocess.run(command, timeout=_RECONCILE_SECONDS, check=False)  # noqa: S603 - our own command, no shell


def _end_by(number: int) -> None:
    """Ends this process by the signal that ended the node."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
