"""CSV and TSV files: their header, and their rows as Arrow text columns.

Everything is read as text, so that one set of rules (`kinds.py`) says what a number is.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from bundle.errors import WrongInput
from pipeline.tables.csv_faults import (
    LONGEST_FIELD,
    delimiter_of,
    first_fault,
    line_of_row,
    records,
    wrong_byte,
)
from pipeline.tables.files import readable, unpacked

_CHUNK = 1 << 20
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def header(file: Path) -> list[str]:
    """The column names as written. Raises WrongInput for an empty file or one not in UTF-8."""
    with closing(records(file)) as rows:
        first = next(rows, None)
    if first is None:
        raise WrongInput(f"{file}: the file is empty; it needs a line of column names and rows")
    line, names = first
    fault = next((fault for name in names if (fault := wrong_byte(name))), None)
    if fault:
        raise WrongInput(f"{file}, line {line}: {fault}")
    _delimiter_fits(file, names)
    return names


def _delimiter_fits(file: Path, names: Sequence[str]) -> None:
    used = next((char for char in _OTHER_DELIMITERS if char in names[0]), None)
    if len(names) == 1 and used:
        raise WrongInput(
            f"{file}: the columns seem to be separated by {_OTHER_DELIMITERS[used]}; save it with "
            "commas and decimal points, or with tabs as a .tsv file"
        )


def plain_batches(file: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The columns as string arrays, nothing missing yet, at most `rows` rows at a time.

    Raises WrongInput with the line of a ragged row, a wrong byte or an open quote.
    """
    with readable(file), unpacked(file) as stream:
        try:
            for batch in _opened(file, stream, columns):
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)
        except pa.ArrowInvalid as error:
            raise WrongInput(first_fault(file) or f"{file}: {error}") from error
    _quotes_closed(file)


def _opened(file: Path, stream: pa.NativeFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    convert = pa.csv.ConvertOptions(
        column_types={name: pa.string() for name in columns},
        include_columns=list(columns),
        null_values=[],
    )
    parse = pa.csv.ParseOptions(delimiter=delimiter_of(file), newlines_in_values=True)
    read = pa.csv.ReadOptions(block_size=LONGEST_FIELD)
    try:
        reader = pa.csv.open_csv(stream, read, parse, convert)
    except pa.ArrowInvalid as error:
        # Arrow's words for a header that no newline ends: no rows, like any other lone header.
        if "Empty CSV" in str(error):
            return
        raise
    with reader:
        yield from reader


def _quotes_closed(file: Path) -> None:
    # Arrow takes an open quote in silence and swallows the rest of the file into that one value.
    # Counting in the stream that Arrow reads would be one pass less, but Arrow's reading thread
    # then calls into Python, and aborts the process that ends while it is still reading ahead.
    with readable(file), unpacked(file) as stream:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: stream.read(_CHUNK), b""))
    fault = first_fault(file) if quotes % 2 else None
    if fault:
        raise WrongInput(fault)


def place(file: Path, row: int) -> str:
    """Where data row `row` (from 0) stands, in words."""
    return f"line {line_of_row(file, row)}"
