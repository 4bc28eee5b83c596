"""Where a CSV file is broken: the slow reader that finds the line for a message.

Arrow reads the data; this module reads a file again, record by record, only when Arrow has
stumbled or when a row's line is wanted. A new kind of fault is one more check in `_fault_in`.
"""

import csv
import io
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TextIO

from bundle.errors import WrongInput
from pipeline.tables.files import readable, suffix_of, unpacked

LONGEST_FIELD = 4 << 20

Records = Generator[tuple[int, list[str]], None, None]

_UNDECODABLE = re.compile("[\udc80-\udcff]")


def delimiter_of(file: Path) -> str:
    """A tab for .tsv files, else a comma."""
    return "\t" if (suffix_of(file) or "").startswith(".tsv") else ","


def records(file: Path, strict: bool = True) -> Records:
    """Each record that is not blank, the header first, with the line (from 1) it starts in.

    Bytes that are not UTF-8 become lone surrogates. Raises WrongInput for broken quoting; when not
    `strict`, text behind a closing quote is taken as Arrow takes it: as part of the field.
    """
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        with readable(file), _text(file) as text:
            yield from _records(file, text, strict)
    finally:
        csv.field_size_limit(before)


def _text(file: Path) -> TextIO:
    return io.TextIOWrapper(unpacked(file), "utf-8-sig", errors="surrogateescape", newline="")


def _records(file: Path, text: TextIO, strict: bool) -> Records:
    reader = csv.reader(text, delimiter=delimiter_of(file), strict=strict)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise WrongInput(f"{file}, line {line}: {_quoting(error)}") from error


def _quoting(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return 'in the row that starts here a quote (") is opened and never closed'
    if "field limit" in str(error):
        return (
            f"in the row that starts here a field is longer than {LONGEST_FIELD:,} bytes; "
            'most often a quote (") was never closed'
        )
    return 'in the row that starts here a closing quote (") is not followed by a delimiter'


def first_fault(file: Path) -> str | None:
    """The first ragged row, wrong byte or broken quote of the file in words, or None."""
    try:
        with closing(records(file)) as rows:
            header = next(rows, (1, []))[1]
            found = (_fault_in(file, line, row, header) for line, row in rows)
            return next((fault for fault in found if fault), None)
    except WrongInput as broken_quoting:
        return str(broken_quoting)


def _fault_in(file: Path, line: int, row: Sequence[str], header: Sequence[str]) -> str | None:
    if len(row) != len(header):
        return (
            f"{file}, line {line}: {_count(len(row))} where the header has {len(header)}; "
            "a field that contains the delimiter must stand in quotes"
        )
    for name, value in zip(header, row, strict=True):
        fault = wrong_byte(value)
        if fault:
            return f"{file}, line {line}, column {name!r}: {fault}"
    return None


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"


def wrong_byte(value: str) -> str | None:
    """What is wrong with a text read by `records` that was not UTF-8, and its mend, or None."""
    found = _UNDECODABLE.search(value)
    if found is None:
        return None
    byte = ord(found.group()) - 0xDC00
    return (
        f"byte 0x{byte:02X} is not valid UTF-8; save the file as UTF-8 "
        "(in Excel 'CSV UTF-8', or: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW)"
    )


def line_of_row(file: Path, row: int) -> int:
    """The line (from 1) in which data row `row` starts; rows count from 0 without blank lines.

    The row must be one that Arrow has read.
    """
    with closing(records(file, strict=False)) as rows:
        return next(islice(rows, row + 1, None))[0]
