"""Reads the body of a request: within limits of size, and then as JSON.

A body that is too large is refused at its first byte too many, or before if it states its length.
A gzip-compressed one, which TensorFlow Serving takes too, counts as what it decompresses to. JSON
may hold the tokens that TensorFlow Serving knows besides, NaN and Infinity: the fast parser takes
plain JSON alone, and a body with such a token goes through Python's own. How much it may hold, says
`json_size.py`.
"""

import json
import math
import reprlib
import zlib
from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any

import orjson

from beltline.base.hints import did_you_mean
from beltline.serving.current_request import current_request
from beltline.serving.rest.json_size import check_size
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.responses import (
    ClientDisconnected,
    HttpError,
    Receive,
    Scope,
    bad_request,
    unavailable,
)

# So many requests of the largest size may be in memory at once.
_MAX_LARGEST = 4
# Bytes of a body that are not counted: those of large requests must not keep small ones out. There
# are as many of them as connections at most.
_SMALL = 2**16
# What decompressing may at least take, as a multiple of the compressed size: see `Parsing`.
_RATIO = 16
_GZIP = zlib.MAX_WBITS | 16
_MAX_SHOWN = 400
_TOKENS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class BodyReader:
    """Reads bodies, and counts the bytes that are in memory.

    Attributes:
      held: bytes of the large bodies that have been read and not yet released.
    """

    def __init__(self, max_request_mb: float, parsing: Parsing) -> None:
        self._max_bytes = int(max_request_mb * 2**20)
        self._parsing = parsing
        self.held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Returns the whole body; its bytes are counted until `release`.

        Raises:
          HttpError: it is too large, there are too many at once, or its encoding is unknown.
          ClientDisconnected: the client disconnected before its end.
        """
        length, encoding = _length_and_encoding(scope["headers"])
        if length > self._max_bytes:
            raise self._too_large()
        if encoding not in (b"", b"identity", b"gzip"):
            name = encoding.decode("latin-1")
            raise HttpError(415, f"unsupported Content-Encoding: {name}; allowed: gzip, identity")
        body = await self._whole(receive)
        return body if encoding != b"gzip" else await self._decompressed(body)

    def hold(self, body: bytes) -> None:
        """Counts a body that was read by others, until `release`.

        Raises:
          HttpError: there are too many at once.
        """
        self._hold(_counted(len(body)))

    def release(self, body: bytes) -> None:
        """Stops counting a body that is no longer needed."""
        self.held -= _counted(len(body))

    async def _whole(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        request = current_request()
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnected
                part: bytes = message["body"]
                self._hold(_counted(size + len(part)) - _counted(size))
                size += len(part)
                parts.append(part)
                if request is not None:
                    request.received = size
                if size > self._max_bytes:
                    raise self._too_large()
                if not message["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except BaseException:
            self.held -= _counted(size)
            raise

    def _hold(self, size: int) -> None:
        if size and self.held + size > self._max_bytes * _MAX_LARGEST:
            raise unavailable("too many large requests at once")
        self.held += size

    async def _decompressed(self, compressed: bytes) -> bytes:
        self.release(compressed)
        decompress = partial(_decompress, compressed, self._max_bytes)
        body = await self._parsing.run(len(compressed) * _RATIO, decompress)
        if len(body) > self._max_bytes:
            raise self._too_large()
        self._hold(_counted(len(body)))
        return body

    def _too_large(self) -> HttpError:
        return HttpError(413, f"the request is larger than {self._max_bytes / 2**20:g} MiB")


def _counted(size: int) -> int:
    return max(size - _SMALL, 0)


def _decompress(compressed: bytes, most: int) -> bytes:
    """Returns the body, or the begin of one that is longer than `most`."""
    decompressor = zlib.decompressobj(_GZIP)
    try:
        body = decompressor.decompress(compressed, most + 1)
    except zlib.error as error:
        raise bad_request(f"invalid gzip body: {error}") from None
    if len(body) <= most and not decompressor.eof:
        raise bad_request("invalid gzip body: truncated")
    return body


def parse_json(body: bytes) -> dict[str, Any]:
    """Returns the object in a body; of a key that is given twice, the last value.

    Raises:
      HttpError: it is not JSON, not an object, or holds too many values.
    """
    if not body:
        raise bad_request("JSON Parse error: The document is empty")
    check_size(body)
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in body and b"Infinity" not in body:
            raise bad_request(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
        found = _parse_tokens(body)
    if not isinstance(found, dict):
        raise bad_request(f"JSON Value: {shown(found)} Is not object")
    return found


def check_properties(document: Iterable[str], allowed: frozenset[str]) -> None:
    """Checks the names of a request's properties: TensorFlow Serving ignores a misspelt one.

    Raises:
      HttpError: a property is unknown; the message has the nearest name.
    """
    for name in document:
        if name not in allowed:
            known = sorted(allowed)
            hint = did_you_mean(name[:_MAX_SHOWN], known)
            raise bad_request(
                f"unknown property {shown(name)} in the request{hint}; allowed: {', '.join(known)}"
            )


def shown(value: Any) -> str:
    """Returns a JSON value for a message, cut to a few items and characters."""
    text = _SHOWN.repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _length_and_encoding(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Returns the Content-Length, 0 if there is none, and the Content-Encoding."""
    length, encoding = 0, b""
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    return length, encoding


def _parse_tokens(body: bytes) -> Any:
    try:
        # Each hook is a function in Python, so that other threads can run in between.
        return json.loads(
            body.decode("utf-8"),
            parse_constant=lambda token: _TOKENS[token],
            parse_int=lambda digits: int(digits),  # noqa: PLW0108 # as said
            parse_float=_number,
        )
    except json.JSONDecodeError as error:
        raise bad_request(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except ValueError as error:
        # Not UTF-8, or a number of thousands of digits.
        raise bad_request(f"JSON Parse error: {error}") from None
    except RecursionError:
        raise bad_request("JSON Parse error: nested too deep") from None


def _number(text: str) -> float:
    found = float(text)
    # Infinity is a token. A number that is too large must not become one.
    if math.isinf(found):
        raise ValueError(f"number is infinity when parsed as double: {text[:40]}")
    return found


class _Json(reprlib.Repr):
    """Writes values as JSON does, not as Python."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = 8

    def repr_dict(self, value: dict[str, Any], level: int) -> str:
        # All keys of it would be sorted, to show a few.
        return super().repr_dict(dict(islice(value.items(), self.maxdict + 1)), level)

    def repr_str(self, value: str, level: int) -> str:
        return json.dumps(value if len(value) <= 60 else f"{value[:60]}…", ensure_ascii=False)

    def repr_bool(self, value: bool, level: int) -> str:
        return "true" if value else "false"

    def repr_NoneType(self, value: None, level: int) -> str:  # noqa: N802 # reprlib's own naming
        return "null"

    def repr_float(self, value: float, level: int) -> str:
        return json.dumps(value)


_SHOWN = _Json()
