"""From the bundles of one stage to those of the next: elements are dealt out, and grouped by key.

All of it works on encoded elements. What a bundle writes is cut into buckets while it runs, so that
what is in memory is the encoded output of one bundle, and for grouping one bucket.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from beltline.beam_on_dask.coders import Coders
from beltline.beam_on_dask.internals import (
    GroupingBuffer,
    create_InputStream,
    create_OutputStream,
)
from beltline.beam_on_dask.plan import GROUP, RESHUFFLE, Coding, Output

Chunks = list[bytes]
_CHUNK = 8 << 20


class Buckets:
    """What a bundle writes to one output, in as many buckets as there are readers."""

    def __init__(self, output: Output, coders: Coders, number: int):
        self._buckets = [_Bucket() for _ in range(number)]
        self._whole: Chunks = []
        self._kind = output.kind
        if output.kind == GROUP:
            written, _ = coders.pair(output.coding)
            self._deal = _by_key(written, number)
            self._coder = written.get_impl()
        elif output.kind == RESHUFFLE:
            written, read = coders.recoders(output.coding)
            self._coder, self._read = written.get_impl(), read.get_impl()

    def write(self, encoded: bytes) -> None:
        """Takes encoded elements."""
        if not encoded:
            return
        if self._kind == GROUP:
            for element in _elements(self._coder, encoded):
                self._buckets[self._deal(element)].add(self._coder, element)
        else:
            self._whole.append(encoded)

    def finish(self, first: int) -> list[Chunks]:
        """Returns the encoded elements of each bucket.

        Args:
          first: where dealing out begins, so that the first bucket does not get the most.
        """
        if self._kind == GROUP:
            return [bucket.finish() for bucket in self._buckets]
        if self._kind == RESHUFFLE:
            return self._dealt(first)
        return [self._whole]

    def _dealt(self, first: int) -> list[Chunks]:
        number = len(self._buckets)
        elements = []
        for encoded in self._whole:
            for element in _elements(self._coder, encoded):
                stream = create_OutputStream()
                self._read.encode_to_stream(element, stream, True)
                elements.append(stream.get())
        self._whole = []
        # By content, since a bundle that is run again may have them in another order.
        elements.sort()
        return [_joined(elements[(each - first) % number :: number]) for each in range(number)]


def grouped(chunks: Iterable[bytes], coding: Coding, coders: Coders) -> Iterator[bytes]:
    """Returns one bucket's elements grouped by key and window, encoded as they are read."""
    buffer = GroupingBuffer(*coders.pair(coding), coders.windowing(coding))
    for chunk in chunks:
        buffer.append(chunk)
    return iter(buffer)


def _by_key(coder: Any, number: int) -> Callable[[Any], int]:
    key = coder.key_coder().get_impl()
    return lambda element: zlib.crc32(key.encode(element.value[0])) % number


def _elements(coder: Any, encoded: bytes) -> Iterator[Any]:
    stream = create_InputStream(encoded)
    while stream.size() > 0:
        yield coder.decode_from_stream(stream, True)


def _joined(elements: list[bytes]) -> Chunks:
    chunks: Chunks = []
    gathered: list[bytes] = []
    size = 0
    for element in elements:
        gathered.append(element)
        size += len(element)
        if size > _CHUNK:
            chunks.append(b"".join(gathered))
            gathered, size = [], 0
    return [*chunks, b"".join(gathered)] if gathered else chunks


class _Bucket:
    def __init__(self) -> None:
        self._chunks: Chunks = []
        self._stream = create_OutputStream()

    def add(self, coder: Any, element: Any) -> None:
        coder.encode_to_stream(element, self._stream, True)
        if self._stream.size() > _CHUNK:
            self._flush()

    def finish(self) -> Chunks:
        if self._stream.size():
            self._flush()
        return self._chunks

    def _flush(self) -> None:
        self._chunks.append(self._stream.get())
        self._stream = create_OutputStream()
