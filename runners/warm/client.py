"""`python -m beltline.runners.warm`: the node runner, through a worker that has imported TFX.

It imports only the standard library, as it is started for every node.
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
# The kernel stops the nodes of a killed worker; they have this long to mark themselves failed.
_GRACE_SECONDS = 25
_RECONCILE_SECONDS = 60


class _WorkerLost(Exception):
    """The worker was killed while it ran our node."""


def main() -> NoReturn:
    """Runs one node and exits as the node runner would."""
    end_with_parent()
    arguments = sys.argv[1:]
    try:
        ended = _by_worker(arguments)
    except WorkerUnavailable as reason:
        print(f"no warm worker ({reason}): using a plain process", file=sys.stderr)
        ended = _in_plain_process(arguments)
    except _WorkerLost:
        print("the warm worker was killed; its node was stopped", file=sys.stderr)
        _reconcile(arguments, "the worker was killed")
        ended = 1
    if ended < 0:
        _reconcile(arguments, f"its process was killed ({signal.Signals(-ended).name})")
        _end_by(-ended)
    sys.exit(ended)


def _by_worker(arguments: list[str]) -> int:
    """Returns the node's exit code, or the negative number of the signal that killed it.

    Raises:
      WorkerUnavailable: no worker is available; the node was not started.
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
                # It became idle and exited just then.
                continue
            return _followed(channel, process)
    raise WorkerUnavailable("it exited at every request; its log is beside its socket")


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
    raise WorkerUnavailable(f"none listens at {where}")


def _start_worker(where: Path) -> None:
    # Each node sends its own environment; the worker needs no password.
    kept = {name: text for name, text in os.environ.items() if name not in _SECRET}
    with where.with_suffix(".log").open("w") as log:
        subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "beltline.runners.warm.worker", str(where)],
            cwd=sources(),
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Killing this node's process group must not kill the worker.
            start_new_session=True,
        )


def _followed(channel: Channel, process: int) -> int:
    """Waits for the node to end, and forwards signals to it."""
    # A handle, as the process id may be reused by the time it is needed.
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
    """Waits for a process that the kernel stops; kills it if it takes too long."""
    if not select.select([handle], [], [], _GRACE_SECONDS)[0]:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)


def _in_plain_process(arguments: list[str]) -> int:
    """Runs the node in a plain process; returns its exit code, or a negative signal number."""
    command = [sys.executable, "-m", "beltline.runners.node", *arguments]
    # No shell; and this process has one thread, which is what a preexec_fn needs.
    node = subprocess.Popen(command, preexec_fn=end_with_parent)  # noqa: S603, PLW1509 - see above
    with _on_signals(node.send_signal):
        return node.wait()


@contextmanager
def _on_signals(do: Callable[[int], object]) -> Iterator[None]:
    """Calls `do` with the signal number on SIGTERM and SIGINT, instead of exiting."""

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
    """Marks the execution of a killed node as failed in ML Metadata."""
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
        subprocess.run(command, timeout=_RECONCILE_SECONDS, check=False)  # noqa: S603 - our own command, no shell


def _end_by(number: int) -> None:
    """Ends this process with the signal that ended the node."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
