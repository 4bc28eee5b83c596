"""Rows of Python's values, as a database driver gives them, to Arrow."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

# Python's values take ten times the memory of Arrow's: so fewer rows at a time.
ROWS = 8192


def batch_of(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> pa.RecordBatch:
    """Returns the rows as a batch; a column of mixed types is text, or bytes if one is."""
    arrays = [_column(values) for values in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _column(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        if any(isinstance(value, bytes) for value in values):
            return pa.array([None if v is None else str(v).encode() for v in values], pa.binary())
        return pa.array([None if v is None else str(v) for v in values], pa.string())
