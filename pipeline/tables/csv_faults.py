"""Finds the malformed records of a CSV file.

Arrow reads the data; this module parses the records of a block again when Arrow fails on it. To add
a kind of fault, add a check to `_fault_in`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beltline.pipeline.tables.csv_records import (
    closing_quotes_end_fields,
    fields,
    is_blank,
    line_ends,
    records,
    unquoted,
)
from beltline.pipeline.tables.units import Rejected

LONGEST_RECORD = 4 << 20

UNCLOSED = 'in the row that starts here a quote (") is opened and never closed'
TOO_LONG = (
    f"the row that starts here is longer than {LONGEST_RECORD:,} bytes; "
    'most often a quote (") was never closed'
)
TEXT_BEHIND_QUOTE = 'in the row that starts here a closing quote (") is not followed by a delimiter'
_UNDECODABLE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Records:
    """Some records of a file that follow each other, and where they stand."""

    file: str
    line: int
    """The line (from 1) that the first one starts in."""
    data: bytes
    delimiter: bytes
    names: Sequence[str]
    """The names of all columns of the file."""
    columns: Sequence[str]
    """Those that are read; no other is looked at."""

    def closing_quotes_end_fields(self) -> bool:
        """Returns whether no text follows a closing quote; Arrow would add it to the field."""
        return closing_quotes_end_fields(self.data, self.delimiter)

    def sound(self) -> Iterator[tuple[int, bytes]]:
        """Yields the line and the bytes of each readable record; blank lines are skipped."""
        return ((line, record) for line, record, fault in self._judged() if fault is None)

    def faults(self) -> Iterator[Rejected]:
        """Yields the malformed records: ragged rows, invalid UTF-8, broken quotes."""
        return (fault for _, _, fault in self._judged() if fault is not None)

    def _judged(self) -> Iterator[tuple[int, bytes, Rejected | None]]:
        line = self.line
        for start, end in records(self.data, self.delimiter):
            record = self.data[start:end]
            if not is_blank(record):
                yield line, record, self._fault_in(line, record)
            line += line_ends(record)

    def _fault_in(self, line: int, record: bytes) -> Rejected | None:
        if not closing_quotes_end_fields(record, self.delimiter):
            return self._rejected(line, record, None, TEXT_BEHIND_QUOTE)
        values = fields(record, self.delimiter)
        if len(values) != len(self.names):
            reason = (
                f"{_count(len(values))} where the header has {len(self.names)}; "
                "a field that contains the delimiter must stand in quotes"
            )
            return self._rejected(line, record, None, reason)
        for name, value in zip(self.names, values, strict=True):
            fault = wrong_byte(value) if name in self.columns else None
            if fault:
                return self._rejected(line, record, name, fault)
        return None

    def _rejected(self, line: int, record: bytes, column: str | None, reason: str) -> Rejected:
        text = record.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        return Rejected(self.file, line, column, reason, text)


def _count(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"


def text_of(field: bytes) -> str:
    """Returns what a field holds; bytes that are not UTF-8 become lone surrogates."""
    return unquoted(field).decode("utf-8", "surrogateescape")


def wrong_byte(field: bytes) -> str | None:
    """Returns what is wrong with a field that is not UTF-8, and its fix, or None."""
    found = _UNDECODABLE.search(text_of(field))
    if found is None:
        return None
    byte = ord(found.group()) - 0xDC00
    return (
        f"byte 0x{byte:02X} is not valid UTF-8; save the file as UTF-8 "
        "(in Excel 'CSV UTF-8', or: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW)"
    )
