"""Parquet files: their header, their row groups, and their rows as integers, floats or text.

What becomes of Arrow's other types is said in `plain.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from beltline.base.errors import WrongInput
from beltline.pipeline.tables.files import File, readable
from beltline.pipeline.tables.plain import plain
from beltline.pipeline.tables.units import ReadyBlock
from beltline.storage.reading import ObjectReader

_ROWS = 8192
_LEAVE_OUT = "leave the column out of the file, or split it into columns of numbers or text"


def units(file: File, size: int, reject: bool) -> list["RowGroups"]:
    """Returns the row groups of a file, so many together as have about `size` bytes unpacked.

    `reject` makes no difference: no row of a Parquet file is broken on its own.
    """
    with readable(file), _opened(file) as opened:
        groups = [opened.metadata.row_group(index) for index in range(opened.num_row_groups)]
    found = [RowGroups(file, 0, 0, 0)]
    filled = rows = 0
    for index, group in enumerate(groups):
        if filled >= size:
            found.append(RowGroups(file, index, index, rows))
            filled = 0
        found[-1] = RowGroups(file, found[-1].first, index + 1, found[-1].rows_before)
        filled += group.total_byte_size
        rows += group.num_rows
    return found


@dataclass(frozen=True)
class RowGroups:
    """Row groups of a file that follow each other."""

    file: File
    first: int
    stop: int
    rows_before: int
    """Rows of the file that stand before them."""

    def source(self) -> str:
        """Returns the file's path."""
        return str(self.file)

    def header(self) -> list[str]:
        """Returns the top-level columns' names. Raises WrongInput for another kind of file."""
        with readable(self.file), _opened(self.file) as opened:
            return list(opened.schema_arrow.names)

    def blocks(self, columns: Sequence[str]) -> Iterator[ReadyBlock]:
        """Yields the rows. Raises WrongInput for a column of lists, structures or bytes."""
        rows, groups = self.rows_before, range(self.first, self.stop)
        if not groups:
            return
        with readable(self.file), _opened(self.file) as opened:
            try:
                for batch in opened.iter_batches(_ROWS, groups, columns=list(columns)):
                    yield ReadyBlock(self._plain(batch, columns), rows)
                    rows += batch.num_rows
            except pa.ArrowInvalid as error:
                raise WrongInput(f"{self.file}: the file is damaged: {error}") from error

    def _plain(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        arrays = [plain(self.file, name, batch.column(name), _LEAVE_OUT) for name in columns]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _opened(file: File) -> pq.ParquetFile:
    try:
        if isinstance(file, Path):
            return pq.ParquetFile(str(file))
        # Few large reads, in place of one for each column of a row group.
        return pq.ParquetFile(ObjectReader(file.url), pre_buffer=True)
    except pa.ArrowInvalid as error:
        raise WrongInput(f"{file}: not a Parquet file: {error}") from error
