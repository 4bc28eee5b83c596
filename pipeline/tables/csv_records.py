"""Where the records of a CSV file begin and end, in bytes: the part that must be exact.

A quote opens a quoted field only at the field's start; a line break in such a field ends nothing.
Where the quotes of some bytes stand as RFC 4180 has them, counting them says which line breaks are
quoted. Where they don't (as in `5" pipe`), the records are matched one by one, as Arrow reads them.

Unless they say otherwise, the functions take bytes that begin where a record begins.
"""

import functools
import re
from collections.abc import Iterator

import numpy as np

_QUOTE = ord('"')
_LINE_END = re.compile(rb"\r\n|\r|\n")


def line_ends(data: bytes) -> int:
    """Returns the number of line ends: LF, CRLF or CR, in quotes or not."""
    return len(_LINE_END.findall(data)) if b"\r" in data else data.count(b"\n")


def whole_records(data: bytes, delimiter: bytes) -> tuple[int, bool]:
    """Returns the end of the last whole record, and whether all quotes follow RFC 4180.

    The end is 0 where no record has its line end.
    """
    if b'"' not in data:
        return _after_last_line_end(data, len(data)), True
    quotes = quote_positions(data)
    if not stand_at_edges(data, quotes, delimiter):
        return _matched(_patterns(delimiter).any_records, data), False
    end = len(data)
    while end > 0:
        end = _after_last_line_end(data, end)
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            break
        # The line end is quoted, and so is all that follows the quote before it.
        end = int(quotes[before - 1])
    return end, True


def _after_last_line_end(data: bytes, stop: int) -> int:
    # Without a LF this is a file whose lines end in CR alone; one that comes last may be half of
    # a CRLF.
    after = data.rfind(b"\n", 0, stop) + 1
    return after or data.rfind(b"\r", 0, min(stop, len(data) - 1)) + 1


def quote_positions(data: bytes) -> np.ndarray:
    """Returns the offsets of the quotes, int64 [quotes]."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)


def stand_at_edges(
    data: bytes,
    quotes: np.ndarray,
    delimiter: bytes,
    around: tuple[bytes, bytes] = (b"\n", b"\n"),
    opened: bool = False,
) -> bool:
    """Returns whether every opening quote starts a field, and every closing one ends it.

    A quote within quotes is doubled, which counts as one that closes and one that opens.

    Args:
      data: the bytes; they need not be whole records.
      quotes: where quotes are in them.
      delimiter: what stands between fields.
      around: the byte before them, and that behind.
      opened: whether they begin within quotes.
    """
    if not len(quotes):
        return True
    seen = np.frombuffer(around[0] + data + around[1], np.uint8)
    edges = np.isin(np.arange(256), list(delimiter + b'\r\n"'))
    opens, closes = quotes[int(opened) :: 2], quotes[int(not opened) :: 2]
    return bool(edges[seen[opens]].all() and edges[seen[closes + 2]].all())


class _Patterns:
    """What matches fields and records: as Arrow reads them, and as they should be."""

    def __init__(self, delimiter: bytes):
        delimiter = re.escape(delimiter)
        inside = rb"[^\r\n%b]*+" % delimiter
        quoted, bare = rb'"%b"' % _repeated(rb'[^"]++|""'), rb'(?!")' + inside
        # Arrow takes what stands behind a closing quote as part of the field.
        lenient = rb"(?:%b|%b)" % (quoted + inside, bare)
        sound = rb"(?:%b|%b)" % (quoted, bare)
        line_end = rb"(?:\r\n|\n|\r)"
        # A CR that comes last may be half of a CRLF.
        certain_line_end = rb"(?:\r\n|\n|\r(?!\Z))"
        row = lenient + _repeated(delimiter + lenient)
        sound_row = sound + _repeated(delimiter + sound)
        self.field = re.compile(lenient)
        self.record = re.compile(row + line_end)
        self.any_records = re.compile(_repeated(row + certain_line_end))
        self.sound_records = re.compile(_repeated(sound_row + line_end))


def _repeated(part: bytes) -> bytes:
    """Returns what matches a part as often as it can, and gives nothing back.

    Before 3.11.5, CPython goes on from where a last, failed try had come to (its issue 106052),
    unless the try is an atomic group of its own.
    """
    return rb"(?:(?>%b))*+" % part


_patterns = functools.cache(_Patterns)


def _matched(pattern: re.Pattern[bytes], data: bytes) -> int:
    match = pattern.match(data)
    return match.end() if match else 0


def records(data: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yields the start of each record and the end of its line end; blank lines too."""
    record = _patterns(delimiter).record
    start = 0
    while match := record.match(data, start):
        yield start, match.end()
        start = match.end()


def closing_quotes_end_fields(data: bytes, delimiter: bytes) -> bool:
    """Returns whether no record has text behind a closing quote."""
    return _matched(_patterns(delimiter).sound_records, data) == len(data)


def fields(record: bytes, delimiter: bytes) -> list[bytes]:
    """Returns the fields of one record as they are written, quotes and all."""
    field = _patterns(delimiter).field
    found = []
    start = 0
    while match := field.match(record, start):
        found.append(match.group())
        start = match.end() + 1
        if record[match.end() : start] != delimiter:
            break
    return found


def unquoted(field: bytes) -> bytes:
    """Returns what a field holds: without its quotes, and with each doubled one once."""
    if not field.startswith(b'"'):
        return field
    inside, _, behind = field[1:].rpartition(b'"')
    return inside.replace(b'""', b'"') + behind


def is_blank(record: bytes) -> bool:
    """Returns whether a record is an empty line."""
    return not record.strip(b"\r\n")
