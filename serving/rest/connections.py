"""One connection, with limits that uvicorn doesn't have.

The headers and trailers of a request are bounded, and so are pipelined requests. A client that
sends a request too slowly, or none at all, is disconnected. When there are too many connections,
one that waits for its client is closed; where none does, a few more are let in for probes alone.
What isn't HTTP gets its error as JSON too. An offer of another protocol, such as HTTP/2, is
declined: the request is answered as if it had none.

This is the only module that relies on uvicorn's internals, so uvicorn is pinned to one version.
`tests/serving/rest/test_connections.py` says what has moved when the pin does.
"""

import asyncio
from collections.abc import Collection
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from beltline.serving.rest.pages import UNPROTECTED
from beltline.serving.rest.responses import error_body

KEEP_ALIVE_SECONDS = 75
# Each needs a file descriptor, of which a process usually has 1,024.
MAX_CONNECTIONS = 800
MAX_PROBES = 32
"""Connections above the limit that are let in for probes."""
MAX_UNREAD = 64 * 2**20
"""Bytes of responses that all clients together may leave unread."""
_MAX_HEAD = 2**16
_MAX_PIPELINED = 32
_PROBES = frozenset(path.encode() for path in UNPROTECTED)


class Connection(HttpToolsProtocol):
    """Uvicorn's connection; `sweep` must be called once a second."""

    # Bytes received since the last part of a body or the last whole head.
    _unread = 0
    _progress = False
    # Whether a request has begun and isn't complete yet, whether its head isn't, and since when.
    _receiving = False
    _in_head = False
    _since = 0.0
    # Whether it was let in above the limit, where only probes are answered.
    _for_probes = False
    _refusal: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Handles a new connection."""
        super().connection_made(transport)
        self.parser = _Parser(self)
        self._since = self.loop.time()
        if len(self.connections) > MAX_CONNECTIONS:
            self._for_probes = not _make_room(self.connections, self)

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
        self._receiving = self._in_head = True
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Handles the complete headers of a request."""
        self._progress = True
        if self.parser.should_upgrade():
            # The parser stops here, and `decline_upgrade` follows. A tunnel can't be declined.
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("a tunnel")
            return
        self._in_head = False
        if self._for_probes and self.url.partition(b"?")[0] not in _PROBES:
            self._refusal = 503, "too many connections at once"
            raise ValueError("not a probe")
        super().on_headers_complete()
        joined = self.scope["method"] != "HEAD" and not self.expect_100_continue
        responses = _Joined if joined else _Responses
        self.cycle.transport = responses(self.transport)  # type: ignore[assignment] # all it uses
        if len(self.pipeline) > _MAX_PIPELINED:
            raise ValueError("too many pipelined requests")

    def on_body(self, body: bytes) -> None:
        """Handles a part of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handles the end of a request."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._receiving = False
        self._since = self.loop.time()

    def decline_upgrade(self, rest: bytes) -> None:
        """Handles a request that offers another protocol as HTTP/1.1 (RFC 9110, 7.8).

        The parser takes what follows the head for the other protocol, and would read the body as
        the next request. So the request is parsed once more, without its offer.

        Args:
          rest: the bytes that follow the head.
        """
        start = (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%b %b HTTP/%b" % start]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = _Parser(self)
        self.parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def send_400_response(self, msg: str) -> None:
        """Responds to what isn't HTTP, or to what was refused before it was read."""
        self._refuse(*self._refusal or (400, msg))

    @property
    def waits_since(self) -> float | None:
        """Since when there is no request, or no whole head of one, on the loop's clock.

        None while a request is answered, or its body is read.
        """
        answers = self.cycle is not None and not self.cycle.response_complete
        in_body = self._receiving and not self._in_head
        return None if answers or in_body else self._since

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
            if status == 503:
                head += b"retry-after: 1\r\n"
            self.transport.write(STATUS_LINE[status] + head + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class _Responses:
    """Sends a response, unless the client has gone: of a pipeline, uvicorn tells the last alone."""

    __slots__ = ("_transport",)

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class _Joined(_Responses):
    """Sends the head of a response together with its body: one system call instead of two."""

    __slots__ = ("_head",)

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        if self._head == b"":
            self._head = data
            return
        super().write(self._head + data if self._head else data)
        self._head = None


class _Parser(httptools.HttpRequestParser):
    """Uvicorn's parser, on a connection that stays one of HTTP/1.1."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.set_dangerous_leniencies(lenient_data_after_close=True)
        self._decline = connection.decline_upgrade

    def feed_data(self, data: bytes) -> None:  # type: ignore[override] # all it is given
        """Parses received bytes."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])


def close_unread(connections: Collection[Any]) -> None:
    """Closes connections whose clients leave too many bytes unread, the most first."""
    unread = {each: each.transport.get_write_buffer_size() for each in connections}
    total = sum(unread.values())
    for each in sorted(unread, key=lambda each: -unread[each]) if total > MAX_UNREAD else ():
        if total <= MAX_UNREAD:
            break
        each.transport.abort()
        total -= unread[each]


def _make_room(connections: Collection[Any], newest: Connection) -> bool:
    """Closes a connection for the newest one; returns whether that may send any request.

    It is the one that has waited for its client for the longest. Where none waits, the newest one
    is for probes; of those the oldest is closed if there are too many.
    """
    # One that was closed in this turn of the loop is still among them.
    others = [each for each in connections if each is not newest]
    others = [each for each in others if not each.transport.is_closing()]
    probes = [each for each in others if each._for_probes]
    if len(others) - len(probes) < MAX_CONNECTIONS:
        return True
    waiting = [each for each in others if each.waits_since is not None and not each._for_probes]
    if waiting:
        min(waiting, key=lambda each: float(each.waits_since)).transport.abort()
    elif len(probes) >= MAX_PROBES:
        min(probes, key=lambda each: float(each._since)).transport.abort()
    return bool(waiting)
