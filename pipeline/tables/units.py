"""Units of work: parts of the data that are read apart, each by one worker.

A unit is small and can be pickled: it says where its rows are. It gives blocks, one after the
other; a block is read on its own, so several threads can read the blocks of one unit.

A further source has a class like `CsvRange` or `RowGroups`; where its rows come as Arrow columns
already, its blocks are `ReadyBlock`s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from beltline.base.errors import WrongInput


class UnreadableRow(WrongInput):
    """A row can't be read; it could be left out instead."""


class OtherKind(WrongInput):
    """A value is not of the required kind."""


class OutOfRange(WrongInput):
    """A number is of the required kind, but no Example could hold it."""


@dataclass(frozen=True)
class Rejected:
    """A row that can't be read."""

    file: str
    line: int
    column: str | None
    """The column in which it is broken, where that can be said."""
    reason: str
    text: str
    """The row as it stands in the file; bytes that are no UTF-8 as `\\xff`."""

    def __str__(self) -> str:
        column = "" if self.column is None else f", column {self.column!r}"
        return f"{self.file}, line {self.line}{column}: {self.reason}"


class Block(Protocol):
    """Some rows of a unit."""

    def read(self) -> tuple[pa.RecordBatch, list[Rejected]]:
        """Returns the rows as integer, float or string arrays; missing ones may be null or text.

        Raises UnreadableRow for a row that can't be read, unless the unit rejects such rows: then
        they come apart.
        """
        ...

    def place(self, row: int) -> str:
        """Returns where row `row` (from 0) of what `read` returned stands, in words."""
        ...


# Beam asks for the class of what it hands on.
@runtime_checkable
class Unit(Protocol):
    """A part of the data."""

    def source(self) -> str:
        """Returns what a message calls it: the file's path."""
        ...

    def header(self) -> list[str]:
        """Returns the column names."""
        ...

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        """Returns the unit's rows in order, some thousand at a time; only `columns` are read."""
        ...


@dataclass(frozen=True)
class ReadyBlock:
    """Rows that have come as Arrow columns of integers, floats or text."""

    batch: pa.RecordBatch
    rows_before: int

    def read(self) -> tuple[pa.RecordBatch, list[Rejected]]:
        """Returns the rows; none is rejected."""
        return self.batch, []

    def place(self, row: int) -> str:
        """Returns the row's number, from 1."""
        return f"row {self.rows_before + row + 1}"
