"""One connection, within limits that uvicorn leaves open.

Head and trailers of a request are bounded, and so are the requests that wait in a pipeline. Whoever
sends a request too slowly, or none at all, is cut off, and idle ones give way when there are too
many. What isn't HTTP gets its error as JSON too.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from beltline.serving.rest import errors

KEEP_ALIVE_SECONDS = 75
# Each needs a file descriptor, of which a process mostly has 1,024.
MOST_CONNECTIONS = 800
_MOST_HEAD = 2**16
_MOST_PIPELINED = 32


class Connection(HttpToolsProtocol):
    """Uvicorn's connection; `sweep` is to be called once a second."""

    # Bytes that came since the last part of a body or the last whole head.
    _unread = 0
    _progress = False
    # Whether a request has begun to come and isn't whole yet, and since when that is so.
    _receives = False
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Is called when somebody has connected."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS and not _give_way(self.connections, self):
            self._refuse(503, "Too many connections at once")

    def data_received(self, data: bytes) -> None:
        """Is called with whatever has come."""
        self._progress = False
        super().data_received(data)
        self._unread = 0 if self._progress else self._unread + len(data)
        if self._unread > _MOST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"The head of the request is longer than {_MOST_HEAD} bytes")

    def on_message_begin(self) -> None:
        """Is called with the first byte of a request."""
        super().on_message_begin()
        self._receives = True
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Is called when the head is there."""
        self._progress = True
        super().on_headers_complete()
        if self.scope["method"] != "HEAD" and not self.expect_100_continue:
            self.cycle.transport = _Joined(self.transport)  # type: ignore[assignment] # all it uses
        if len(self.pipeline) > _MOST_PIPELINED:
            raise ValueError("too many requests in a pipeline")

    def on_body(self, body: bytes) -> None:
        """Is called with a part of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Is called when the whole request is there."""
        super().on_message_complete()
        self._receives = False
        self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Answers what isn't HTTP."""
        self._refuse(400, msg)

    @property
    def idle_since(self) -> float | None:
        """Since when nothing has been asked, on the loop's clock; None if something is."""
        answers = self.cycle is not None and not self.cycle.response_complete
        return None if answers or self._receives else self._since

    def sweep(self, seconds: float) -> None:
        """Cuts the connection off if a request has been coming for longer than `seconds`.

        An answer that nobody reads has as long to go as it may take to be made. A connection on
        which nothing was ever asked may stay as long as one that is kept alive.
        """
        waited = self.loop.time() - self._since
        if self._receives and waited > seconds:
            self._refuse(408, f"The request was not there after {seconds:g} s")
        elif self.cycle is None and not self._receives and waited > KEEP_ALIVE_SECONDS:
            self.transport.close()
        elif waited > 2 * seconds and self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        answered = self.cycle is not None and self.cycle.response_started
        if not answered or self.cycle.response_complete:
            body = errors.body(message)
            head = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class _Joined:
    """Sends the head of an answer together with its body: one system call in place of two."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        if self._head == b"":
            self._head = data
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = None

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


def _give_way(connections: Collection[Any], newest: Connection) -> bool:
    """Closes the connection that has been idle for the longest; returns whether there is one."""
    idle = [each for each in connections if each is not newest and each.idle_since is not None]
    if idle:
        min(idle, key=lambda each: float(each.idle_since)).transport.abort()
    return bool(idle)
