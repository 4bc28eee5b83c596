"""HTTP responses: one that is sent, and the errors that become `{"error": "..."}`.

Status codes are those that TensorFlow Serving maps its own errors to: 400 for an invalid request,
404 for an unknown model or version. A new kind of error is an `HttpError` too.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from beltline.serving.servables.errors import Overloaded, TimedOut
from beltline.versions.loaded.errors import ModelFailed, WrongValues

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
# Characters: a message may quote the request, or what TensorFlow says of it.
_MAX_MESSAGE = 2_000


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body and its content type."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send, further: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Sends it as ASGI messages, with further headers."""
        length = str(len(self.body)).encode()
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", length),
            *self.headers,
            *further,
        ]
        start = {"type": "http.response.start", "status": self.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


class HttpError(Exception):
    """A request that is answered with an error; the message is for the caller."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class ClientDisconnected(Exception):
    """The client has closed the connection; nobody reads a response."""


def bad_request(message: str) -> HttpError:
    """Returns the error for an invalid request."""
    return HttpError(400, message)


def unavailable(message: str) -> HttpError:
    """Returns the error for a request that may be retried a little later."""
    return HttpError(503, message, (b"retry-after", b"1"))


def error_response(error: HttpError) -> Response:
    """Returns the response for an error."""
    return Response(error.status, error_body(str(error)), headers=error.headers)


def error_body(message: str) -> bytes:
    """Returns an error's JSON; half a surrogate pair in the message is written as its escape."""
    message = message[:_MAX_MESSAGE].encode("utf-8", "backslashreplace").decode("utf-8")
    return orjson.dumps({"error": message})


def as_http_error(error: Exception) -> HttpError | None:
    """Returns the HTTP error for a failed prediction; None for an unknown exception."""
    if isinstance(error, WrongValues):
        return bad_request(str(error))
    if isinstance(error, Overloaded):
        return unavailable(str(error))
    if isinstance(error, TimedOut):
        return HttpError(504, str(error))
    if isinstance(error, ModelFailed):
        return HttpError(500, str(error))
    return None
