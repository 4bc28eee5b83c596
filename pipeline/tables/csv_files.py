"""CSV and TSV files: their header, their ranges, and their rows as Arrow text columns.

Everything is read as text, so that one set of rules (`kinds.py`) says what a number is. A range is
read in blocks of whole records, which Arrow then takes one by one.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa
import pyarrow.csv

from beltline.base.errors import WrongInput
from beltline.base.values import MISSING
from beltline.pipeline.tables import csv_faults
from beltline.pipeline.tables.csv_dialect import delimiter_of, with_decimal_points
from beltline.pipeline.tables.csv_ranges import BYTE_ORDER_MARK, cuts
from beltline.pipeline.tables.csv_records import (
    closing_quotes_end_fields,
    fields,
    is_blank,
    line_ends,
    records,
    whole_records,
)
from beltline.pipeline.tables.files import File, readable, size_of, suffix_of, unpacked
from beltline.pipeline.tables.units import Rejected, UnreadableRow

_BLOCK = 1 << 20


def units(file: File, size: int, reject: bool) -> list["CsvRange"]:
    """Returns the ranges of about `size` bytes of a file; the whole of it where it is packed.

    Args:
      file: the file.
      size: in bytes.
      reject: whether rows that can't be read are set apart, or end the reading.
    """
    packed = (suffix_of(file) or "").endswith((".gz", ".zst"))
    with readable(file):
        delimiter = delimiter_of(file)
        if packed or size_of(file) <= size:
            return [CsvRange(file, delimiter, reject=reject)]
        found = cuts(file, size, delimiter)
    ends = [*(start for start, _ in found[1:]), None]
    return [
        CsvRange(file, delimiter, start, end, line, reject)
        for (start, line), end in zip(found, ends, strict=True)
    ]


@dataclass(frozen=True)
class CsvRange:
    """Bytes of a file that hold whole records; those of a packed file are its unpacked ones."""

    file: File
    delimiter: bytes
    """What stands between fields; with semicolons, `1,5` is a number."""
    start: int = 0
    end: int | None = None
    line: int = 1
    """The line that it starts in."""
    reject: bool = False

    def source(self) -> str:
        """Returns the file's path."""
        return str(self.file)

    def header(self) -> list[str]:
        """Returns the column names. Raises WrongInput for an empty file or invalid UTF-8."""
        whole = replace(self, start=0, end=None, line=1)
        for line, data, _ in whole._whole_records():
            found = _first_record(data, self.delimiter)
            if found:
                start, end = found
                return self._names(line + line_ends(data[:start]), data[start:end])
        raise WrongInput(
            f"{self.file}: the file is empty; it needs a line of column names and rows"
        )

    def _names(self, line: int, record: bytes) -> list[str]:
        names = fields(record, self.delimiter)
        fault = next((fault for name in names if (fault := csv_faults.wrong_byte(name))), None)
        if not closing_quotes_end_fields(record, self.delimiter):
            fault = csv_faults.TEXT_BEHIND_QUOTE
        if fault:
            raise WrongInput(f"{self.file}, line {line}: {fault}")
        return [csv_faults.text_of(name) for name in names]

    def blocks(self, columns: Sequence[str]) -> Iterator["CsvBlock"]:
        """Yields the rows in order, about 1 MiB at a time.

        Raises WrongInput for a quote that is never closed, and for a record of more than 4 MiB.
        """
        names, delimiter = self.header(), self.delimiter
        below_header = self.start > 0
        for line, data, at_edges in self._whole_records():
            first = (0, 0) if below_header else _first_record(data, delimiter)
            if first is None:
                continue
            below_header = True
            rows, start = data[first[1] :], line + line_ends(data[: first[1]])
            if not is_blank(rows):
                found = csv_faults.Records(self.source(), start, rows, delimiter, names, columns)
                yield CsvBlock(found, self.reject, at_edges)

    def _whole_records(self) -> Iterator[tuple[int, bytes, bool]]:
        """Yields whole records, the line that they start in, and if their quotes are RFC 4180's."""
        line, rest = self.line, b""
        with readable(self.file), unpacked(self.file) as stream:
            for more in self._read(stream):
                data = rest + more
                end, at_edges = whole_records(data, self.delimiter)
                if end:
                    yield line, data[:end], at_edges
                    line += line_ends(data[:end])
                rest = data[end:]
                if len(rest) > csv_faults.LONGEST_RECORD:
                    raise WrongInput(f"{self.file}, line {line}: {csv_faults.TOO_LONG}")
        if rest:
            raise WrongInput(f"{self.file}, line {line}: {csv_faults.UNCLOSED}")

    def _read(self, stream: pa.NativeFile) -> Iterator[bytes]:
        """Yields the bytes of the range, without a byte order mark, with a last line end."""
        left = sys.maxsize if self.end is None else self.end - self.start
        last = b""
        if self.start:
            stream.seek(self.start)
        else:
            last = stream.read(len(BYTE_ORDER_MARK))
            left -= len(last)
            yield last.removeprefix(BYTE_ORDER_MARK)
        while more := stream.read(min(_BLOCK, left)):
            left -= len(more)
            last = more
            yield more
        if not last.endswith(b"\n"):
            yield b"\n"


def _first_record(data: bytes, delimiter: bytes) -> tuple[int, int] | None:
    """Returns start and end of the first record that is not a blank line."""
    found = records(data, delimiter)
    return next(((start, end) for start, end in found if not is_blank(data[start:end])), None)


@dataclass(frozen=True)
class CsvBlock:
    """Some rows of a range."""

    records: csv_faults.Records
    reject: bool
    at_edges: bool
    """Whether its quotes are known to be RFC 4180's."""

    def read(self) -> tuple[pa.RecordBatch, list[Rejected]]:
        """Returns the rows as string arrays; what is missing is null.

        Raises UnreadableRow for a ragged row, a wrong byte or text behind a closing quote, unless
        such rows are to be rejected.
        """
        error: object = None
        if self.at_edges or self.records.closing_quotes_end_fields():
            try:
                return self._parsed(self.records.data), []
            except pa.ArrowInvalid as invalid:
                error = invalid
        faults = list(self.records.faults())
        if not faults:
            raise WrongInput(f"{self.records.file}, from line {self.records.line}: {error}")
        if not self.reject:
            raise UnreadableRow(str(faults[0]))
        return self._parsed(b"".join(record for _, record in self.records.sound())), faults

    def _parsed(self, data: bytes) -> pa.RecordBatch:
        columns = list(self.records.columns)
        if is_blank(data):
            return pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in columns})
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(
                column_names=list(self.records.names), use_threads=False, block_size=len(data) + 1
            ),
            pa.csv.ParseOptions(delimiter=self.records.delimiter.decode(), newlines_in_values=True),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=columns,
                null_values=MISSING,
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        batch = table.combine_chunks().to_batches()[0]
        if self.records.delimiter != b";":
            return batch
        return pa.RecordBatch.from_arrays(list(map(with_decimal_points, batch)), columns)

    def place(self, row: int) -> str:
        """Returns the row's line."""
        return f"line {next(islice(self.records.sound(), row, None))[0]}"
