"""One connection, with limits that uvicorn doesn't have.

The headers and trailers of a request are bounded, and so are pipelined requests. A client that
sends a request too slowly, or none at all, is disconnected, and idle connections are closed when
there are too many. What isn't HTTP gets its error as JSON too.

This is the only module that relies on uvicorn's internals, so uvicorn is pinned to one version.
`tests/serving/rest/test_connections.py` says what has moved when the pin does.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from beltline.serving.rest.responses import error_body

KEEP_ALIVE_SECONDS = 75
# Each needs a file descriptor, of which a process usually has 1,024.
MAX_CONNECTIONS = 800
_MAX_HEAD = 2**16
_MAX_PIPELINED = 32


class Connection(HttpToolsProtocol):
    """Uvicorn's connection; `sweep` must be called once a second."""

    # Bytes received since the last part of a body or the last whole head.
    _unread = 0
    _progress = False
    # Whether a request has begun and isn't complete yet, and since when that is so.
    _receiving = False
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Handles a new connection."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > MAX_CONNECTIONS and not _close_idle(self.connections, self):
            self._refuse(503, "too many connections at once")

    def data_received(self, data: bytes) -> None:
        """Handles received bytes."""
        self._progress = False
        super().data_received(data)
        self._unread = 0 if self._progress else self._unread + len(data)
        if self._unread > _MAX_HEAD and not self.transport.is_closing():
            self._refuse(431, f"the headers of the request are longer than {_MAX_HEAD} bytes")

    def on_message_begin(self) -> None:
        """Handles the first byte of a request."""
        super().on_message_begin()
        self._receiving = True
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Handles the complete headers of a request."""
        self._progress = True
        super().on_headers_complete()
        if self.scope["method"] != "HEAD" and not self.expect_100_continue:
            self.cycle.transport = _Joined(self.transport)  # type: ignore[assignment] # all it uses
        if len(self.pipeline) > _MAX_PIPELINED:
            raise ValueError("too many pipelined requests")

    def on_body(self, body: bytes) -> None:
        """Handles a part of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handles the end of a request."""
        super().on_message_complete()
        self._receiving = False
        self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Responds to what isn't HTTP."""
        self._refuse(400, msg)

    @property
    def idle_since(self) -> float | None:
        """Since when the connection is idle, on the loop's clock; None if it isn't."""
        answers = self.cycle is not None and not self.cycle.response_complete
        return None if answers or self._receiving else self._since

    def sweep(self, seconds: float) -> None:
        """Closes the connection if a request takes longer than `seconds` to arrive.

        A response that nobody reads is given as long again. A connection without any request may
        stay as long as one that is kept alive.
        """
        waited = self.loop.time() - self._since
        if self._receiving and waited > seconds:
            self._refuse(408, f"the request did not arrive within {seconds:g} s")
        elif self.cycle is None and not self._receiving and waited > KEEP_ALIVE_SECONDS:
            self.transport.close()
        elif waited > 2 * seconds and self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        answered = self.cycle is not None and self.cycle.response_started
        if not answered or self.cycle.response_complete:
            body = error_body(message)
            head = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class _Joined:
    """Sends the head of a response together with its body: one system call instead of two."""

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


def _close_idle(connections: Collection[Any], newest: Connection) -> bool:
    """Closes the connection that has been idle for the longest; returns whether there is one."""
    # One that was closed in this turn of the loop is still among them.
    idle = [
        each
        for each in connections
        if each is not newest and each.idle_since is not None and not each.transport.is_closing()
    ]
    if idle:
        min(idle, key=lambda each: float(each.idle_since)).transport.abort()
    return bool(idle)
