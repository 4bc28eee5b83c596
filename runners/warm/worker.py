"""The warm worker: imports what the nodes share, then forks a process for each requested node.

One thread, one loop: it runs no TensorFlow operation and starts no thread, so that forking is safe
(see docs/architecture.md). A node's process has the client's streams, folder and environment, and a
process group of its own, which ends with it. `python -m beltline.runners.warm.worker SOCKET`.
"""

import contextlib
import fcntl
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from beltline.base.loading import loading
from beltline.runners.local.children import GRACE_SECONDS
from beltline.runners.local.runner import SHARED
from beltline.runners.node.parent import end_with_parent
from beltline.runners.warm.address import idle_seconds
from beltline.runners.warm.messages import Channel, NodeRequest

_REQUEST_SECONDS = 10
_OTHER_SECONDS = 30


@dataclass
class _Node:
    """A node's process, and the client that waits for it."""

    process: int
    handle: int
    channel: Channel
    killed_at: float = float("inf")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Signals the node's process group; kills it if it takes too long."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, number)
        self.killed_at = min(self.killed_at, time.monotonic() + GRACE_SECONDS)


class Worker:
    """Runs the nodes that clients request on one listening socket."""

    def __init__(self, listener: socket.socket, idle: float):
        self._listener = listener
        self._idle = idle
        self._nodes: list[_Node] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        """Runs nodes; returns when none was requested for `idle` seconds."""
        while True:
            ready = self._selector.select(self._timeout())
            if not ready and not self._nodes:
                return
            for key, _ in ready:
                # The handler of one event may have unregistered the next one's file.
                if key.fd in self._selector.get_map():
                    key.data()
            for node in self._nodes:
                if node.killed_at <= time.monotonic():
                    node.stop(signal.SIGKILL)
                    node.killed_at = float("inf")

    def _timeout(self) -> float | None:
        if not self._nodes:
            return self._idle
        soonest = min(node.killed_at for node in self._nodes)
        return max(0.0, soonest - time.monotonic()) if soonest != float("inf") else None

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_REQUEST_SECONDS)
        channel = Channel(connection)
        try:
            request, streams = channel.asked()
        except (OSError, ValueError, TypeError):
            connection.close()
            return
        process = self._fork(request, streams)
        for stream in streams:
            os.close(stream)
        node = _Node(process, os.pidfd_open(process), channel)
        self._nodes.append(node)
        self._selector.register(node.handle, selectors.EVENT_READ, lambda: self._ended(node))
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._heard(node))
        self._tell(node, {"started": process})

    def _fork(self, request: NodeRequest, streams: list[int]) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            _become_node(request, streams)
        return process

    def _heard(self, node: _Node) -> None:
        """Handles a signal that the client forwards; if it has disconnected, stops the node."""
        try:
            for message in node.channel.received():
                node.stop(int(message["signal"]))
        except (OSError, ValueError):
            self._selector.unregister(node.channel.connection)
            node.stop()

    def _ended(self, node: _Node) -> None:
        self._selector.unregister(node.handle)
        os.close(node.handle)
        _, status = os.waitpid(node.process, 0)
        # Kills what the node has left running.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.process, signal.SIGKILL)
        self._nodes.remove(node)
        self._tell(node, {"ended": os.waitstatus_to_exitcode(status)})
        with contextlib.suppress(KeyError):
            self._selector.unregister(node.channel.connection)
        node.channel.connection.close()

    def _tell(self, node: _Node, message: dict[str, int]) -> None:
        # `_heard` notices a client that has disconnected.
        with contextlib.suppress(OSError):
            node.channel.send(message)


def _become_node(request: NodeRequest, streams: list[int]) -> None:
    """Runs the node in the forked process; never returns."""
    code = 1
    try:
        os.setsid()
        end_with_parent()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        # The worker's socket and the connections of other nodes.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.folder)
        importlib.import_module("beltline.runners.node.run").main(
            request.arguments, prog_name="beltline.runners.warm"
        )
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def _listening(address: Path) -> Iterator[socket.socket | None]:
    """Yields a socket that listens at `address`; None if another worker does."""
    with address.with_suffix(".lock").open("w") as lock:
        if not _locked(lock.fileno(), address):
            yield None
            return
        address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        # The folder is closed to others, too.
        umask = os.umask(0o177)
        listener.bind(str(address))
        os.umask(umask)
        listener.listen(128)
        try:
            yield listener
        finally:
            # First the name, so that the next client starts another worker.
            address.unlink(missing_ok=True)
            listener.close()


def _locked(lock: int, address: Path) -> bool:
    """Takes the lock; returns False if the worker that holds it is listening."""
    for _ in range(_OTHER_SECONDS * 10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        with contextlib.suppress(OSError):
            Channel.to(address).connection.close()
            return False
        time.sleep(0.1)
    return False


def main() -> None:
    """Runs a worker on the socket in the first argument until it is idle."""
    with _listening(Path(sys.argv[1])) as listener:
        if listener is None:
            return
        with loading():
            for module in ("beltline.runners.node.run", *SHARED):
                importlib.import_module(module)
        Worker(listener, idle_seconds()).serve()


if __name__ == "__main__":
    main()
