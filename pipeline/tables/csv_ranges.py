"""Cutting a CSV file into ranges of bytes, each of whole records.

A cut is right only outside of quotes, and what is quoted follows from everything before it: one
pass over the file counts the quotes. A file whose quotes are not RFC 4180's is not cut, nor is one
whose lines end in CR alone.
"""

from typing import BinaryIO

import numpy as np

from beltline.pipeline.tables.csv_records import line_ends, quote_positions, stand_at_edges
from beltline.pipeline.tables.files import File

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CHUNK = 8 << 20

Cut = tuple[int, int]


def cuts(file: File, size: int, delimiter: bytes) -> list[Cut]:
    """Returns byte offset and line (from 1) of records about `size` bytes apart.

    The first is (0, 1), the file's start.
    """
    with file.open("rb") as stream:
        return _Cutter(size, delimiter).cuts(stream)


class _Cutter:
    """One pass over a file."""

    def __init__(self, size: int, delimiter: bytes):
        self._size = size
        self._delimiter = delimiter
        self._found: list[Cut] = [(0, 1)]
        self._offset = 0
        self._line = 1
        self._before = b"\n"
        self._opened = False

    def cuts(self, stream: BinaryIO) -> list[Cut]:
        if stream.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
            self._offset = len(BYTE_ORDER_MARK)
        else:
            stream.seek(0)
        kept = b""
        while chunk := stream.read(_CHUNK):
            # The byte after them decides what a last quote or a last CR means.
            data, kept = (kept + chunk)[:-1], chunk[-1:]
            if not self._look(data, kept):
                return self._found[:1]
        if not self._look(kept, b"\n"):
            return self._found[:1]
        return [cut for cut in self._found if cut[0] < self._offset] or self._found[:1]

    def _look(self, data: bytes, after: bytes) -> bool:
        """Finds the cuts in the next bytes; False where their quotes are not RFC 4180's."""
        quotes = quote_positions(data) if b'"' in data else np.empty(0, np.int64)
        around = (self._before, after)
        if not stand_at_edges(data, quotes, self._delimiter, around, self._opened):
            return False
        counted = 0
        for cut in self._cuts_in(data, quotes):
            self._line += line_ends(data[counted:cut])
            counted = cut
            self._found.append((self._offset + cut, self._line))
        halved = data.endswith(b"\r") and after == b"\n"
        self._line += line_ends(data[counted:]) - halved
        self._opened ^= bool(len(quotes) % 2)
        self._offset += len(data)
        self._before = data[-1:] or self._before
        return True

    def _cuts_in(self, data: bytes, quotes: np.ndarray) -> list[int]:
        found: list[int] = []
        last = self._found[-1][0]
        start = max(0, last + self._size - self._offset - 1)
        while (line_end := data.find(b"\n", start)) >= 0:
            before = int(np.searchsorted(quotes, line_end))
            if (before + self._opened) % 2 == 0:
                found.append(line_end + 1)
                start = line_end + self._size
            elif before == len(quotes):
                break
            else:
                start = int(quotes[before])
        return found
