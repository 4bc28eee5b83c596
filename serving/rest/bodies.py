"""Reads the bodies of requests within limits: of one body, and of all that are held at once.

A body that is too large is refused at its first byte too many, or before if it says its length. One
that comes compressed with gzip, as TensorFlow Serving takes it, counts as what it unpacks to.
"""

import zlib
from collections.abc import Iterable

from beltline.serving.options import Options
from beltline.serving.rest.answer import Receive, Scope
from beltline.serving.rest.errors import Gone, Refused, busy, wrong

# As many of the largest requests may be on their way at once.
_AT_ONCE = 4
_GZIP = zlib.MAX_WBITS | 16


class Bodies:
    """What is held of the requests that are on their way."""

    def __init__(self, options: Options) -> None:
        self._most = int(options.max_request_mb * 2**20)
        self.held = 0
        """Bytes."""

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Returns the whole body; its bytes are held until `release`.

        Raises:
          Refused: it is too large, there are too many at once, or it is in an unknown encoding.
          Gone: the caller went away before its end.
        """
        length, encoding = _described(scope["headers"])
        if length > self._most:
            raise self._too_large()
        if encoding not in (b"", b"identity", b"gzip"):
            name = encoding.decode("latin-1")
            raise Refused(415, f"Content-Encoding: {name} is not supported; gzip and identity are")
        body = await self._whole(receive)
        return body if encoding != b"gzip" else self._unpacked(body)

    def release(self, body: bytes) -> None:
        """Says that a body is no longer needed."""
        self.held -= len(body)

    async def _whole(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part: bytes = message["body"]
                self._hold(len(part))
                size += len(part)
                parts.append(part)
                if size > self._most:
                    raise self._too_large()
                if not message["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self.held -= size
            raise

    def _hold(self, size: int) -> None:
        if self.held + size > self._most * _AT_ONCE:
            raise busy("Too many large requests at once")
        self.held += size

    def _unpacked(self, packed: bytes) -> bytes:
        self.release(packed)
        unpacker = zlib.decompressobj(_GZIP)
        try:
            body = unpacker.decompress(packed, self._most + 1)
        except zlib.error as error:
            raise wrong(f"The body is no gzip: {error}") from None
        if len(body) > self._most:
            raise self._too_large()
        if not unpacker.eof:
            raise wrong("The body is no whole gzip")
        self._hold(len(body))
        return body

    def _too_large(self) -> Refused:
        return Refused(413, f"The request is larger than {self._most / 2**20:g} MiB")


def _described(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Returns the length that a request says, 0 if it says none, and its encoding."""
    length, encoding = 0, b""
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    return length, encoding
