"""Parquet files: their header, and their rows as Arrow columns of integers, floats or text.

Types that are neither plain integers, floats nor strings are read as they would be written:
true/false, ISO dates and times (UTC, ending in Z, where they have a zone), decimals digit by digit.
A further type is one more case in `_plain`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from bundle.errors import WrongInput
from pipeline.tables.files import readable
from pipeline.tables.kinds import nan_is_missing

_WRITTEN_AS_TEXT = (
    types.is_boolean,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_date,
    types.is_time,
    types.is_timestamp,
    types.is_duration,
    types.is_decimal,
    types.is_uint64,
    types.is_null,
)


def header(file: Path) -> list[str]:
    """The names of the top-level columns. Raises WrongInput when this is no Parquet file."""
    with readable(file), _opened(file) as opened:
        return list(opened.schema_arrow.names)


def plain_batches(file: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The columns as integer, float or string arrays, at most `rows` rows at a time.

    Raises WrongInput for a column that holds lists, structures or bytes.
    """
    with readable(file), _opened(file) as opened:
        try:
            for batch in opened.iter_batches(rows, columns=list(columns)):
                arrays = [_plain(file, name, batch.column(name)) for name in columns]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
        except pa.ArrowInvalid as error:
            raise WrongInput(f"{file}: the file is damaged: {error}") from error


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(str(file))
    except pa.ArrowInvalid as error:
        raise WrongInput(f"{file}: this is no Parquet file: {error}") from error


def _plain(file: Path, name: str, values: pa.Array) -> pa.Array:
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_timestamp(values.type) and values.type.tz:
        instant = pc.cast(values, pa.timestamp(values.type.unit))
        return pc.binary_join_element_wise(pc.cast(instant, pa.string()), "Z", "")
    if any(is_type(values.type) for is_type in _WRITTEN_AS_TEXT):
        return pc.cast(values, pa.string())
    if types.is_floating(values.type):
        return nan_is_missing(pc.cast(values, pa.float64()))
    if types.is_integer(values.type):
        return values
    raise WrongInput(
        f"{file}: column {name!r} holds {values.type}, which is no single value; "
        "leave the column out of the file, or split it into columns of numbers or text"
    )


def place(file: Path, row: int) -> str:
    """Where data row `row` (from 0) stands, in words."""
    return f"row {row + 1}"
