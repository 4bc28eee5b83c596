"""Tables, files (CSV, TSV, Parquet) or queries, read with Arrow; for `init` and for ExampleGen.

A column has one of three kinds, the narrowest that holds all its values: int64 for integers,
float64 for numbers, string for text. What is a number and what is missing is said in
`base/values.py`. A column with no value at all is text.

CSV is RFC 4180: UTF-8 (a byte order mark is accepted), commas (tabs in .tsv), or what the header
has in their place, see `csv_dialect.py`; fields with a delimiter, a quote or a line break in double
quotes, quotes doubled; any line ends; blank lines are skipped. The suffix decides the format; .gz
and .zst are unpacked while reading.

Parquet: numbers in string columns count as numbers; booleans are the text true or false; dates and
times are ISO text; decimals and 64-bit unsigned integers are read as if written out. The same holds
for the rows of a query, see `databases/`.

A new format is a module with a function `units` (see `csv_files.py` and `units.py`), an entry in
`_FORMATS`, and its suffixes in `files.FORMATS`.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa

from beltline.base.errors import WrongInput
from beltline.base.hints import did_you_mean
from beltline.base.values import Kind, not_of_kind, out_of_range
from beltline.pipeline.tables import csv_dialect, csv_files, parquet_files
from beltline.pipeline.tables.databases import Query
from beltline.pipeline.tables.files import (
    FORMATS,
    File,
    content_digest,
    data_files,
    data_path,
    source_path,
    suffix_of,
)
from beltline.pipeline.tables.kinds import (
    KindSoFar,
    MisfitError,
    converted,
    first_out_of_range,
)
from beltline.pipeline.tables.spans import Span, Table, files_of_span
from beltline.pipeline.tables.units import (
    Block,
    OtherKind,
    OutOfRange,
    Rejected,
    Unit,
    UnreadableRow,
)

__all__ = [
    "Block",
    "File",
    "Kind",
    "OtherKind",
    "OutOfRange",
    "Query",
    "Rejected",
    "Span",
    "Table",
    "Unit",
    "UnreadableRow",
    "batches",
    "check_ranges",
    "column_kinds",
    "column_names",
    "content_digest",
    "data_files",
    "data_path",
    "files_of_span",
    "no_rows",
    "no_such_column",
    "place",
    "source_path",
    "typed",
    "units",
    "unusual_delimiter",
]

ROWS = 65536
RANGE = 32 << 20
_MOST_NAMED = 10
_WAY_OUT = {
    "integer": "make the column FLOAT in the schema, or BYTES if these are codes",
    "number": "correct it, or leave the field empty",
}


_FORMATS: dict[str, Callable[[File, int, bool], Sequence[Unit]]] = {
    "csv": csv_files.units,
    "parquet": parquet_files.units,
}


def units(files: Sequence[Table], size: int = RANGE, reject: bool = False) -> list[Unit]:
    """Returns the parts of files that can be read apart, in the order of the rows.

    A CSV file is cut into ranges of about `size` bytes (not a packed one, nor one whose quotes are
    not RFC 4180's), a Parquet file between its row groups. Which rows there are doesn't depend on
    the size. With `reject`, rows that can't be read come apart; else they end the reading.
    """
    return [unit for file in files for unit in _units_of(file, size, reject)]


def _units_of(file: Table, size: int, reject: bool) -> Sequence[Unit]:
    if isinstance(file, Query):
        return [file]
    return _FORMATS[FORMATS[suffix_of(file) or ".csv"]](file, size, reject)


def _whole(file: Table, reject: bool = False) -> Unit:
    (unit,) = _units_of(file, sys.maxsize, reject)
    return unit


def column_names(files: Sequence[Table]) -> list[str]:
    """Returns the column names of a set of files, in the first file's order; reads headers only.

    Raises WrongInput for an empty file, a header not in UTF-8, a column without a name, a name
    used twice, and files whose columns are not the same.
    """
    names = _checked_header(files[0])
    for file in files[1:]:
        others = _checked_header(file)
        missing = [name for name in names if name not in set(others)]
        extra = [name for name in others if name not in set(names)]
        if missing or extra:
            raise WrongInput(_disagreement(files[0], file, missing, extra))
    return names


def _checked_header(file: Table) -> list[str]:
    names = _whole(file).header()
    unnamed = next((index for index, name in enumerate(names) if not name.strip()), None)
    if unnamed is not None:
        raise WrongInput(
            f"{file}: column {unnamed + 1} of {len(names)} has no name; name it or remove it "
            "(pandas writes its index so: use to_csv(…, index=False))"
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise WrongInput(f"{file}: column name used more than once: {_listed(twice)}; rename them")
    return names


def _disagreement(first: Table, file: Table, missing: list[str], extra: list[str]) -> str:
    parts = [
        f"{word} {_listed(names)}" for word, names in (("lacks", missing), ("adds", extra)) if names
    ]
    return f"{file}: other columns than {first}: it {' and '.join(parts)}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def unusual_delimiter(file: Table) -> str:
    """Returns what separates the columns, as a person calls it, if not what the suffix says."""
    if isinstance(file, Query) or FORMATS[suffix_of(file) or ".csv"] != "csv":
        return ""
    return csv_dialect.unusual(file)


def no_such_column(where: object, name: str, columns: Sequence[str]) -> WrongInput:
    """Returns the error to raise when `name` is none of `columns`; it names the nearest one."""
    hint = did_you_mean(name, columns) or f"; its columns: {_listed(columns)}"
    return WrongInput(f"{where}: no column {name!r}{hint}")


def no_rows(files: Sequence[Table]) -> WrongInput:
    """Returns the error to raise when a set of files has column names but no rows."""
    return WrongInput(f"{', '.join(str(file) for file in files[:3])}: no rows, only column names")


def place(file: Table, row: int) -> str:
    """Returns the location of data row `row` (from 0) of a file: "line 12", or "row 11"."""
    unit = _whole(file)
    before = 0
    for block in unit.blocks(unit.header()):
        rows = block.read()[0].num_rows
        if row < before + rows:
            return block.place(row - before)
        before += rows
    raise IndexError(f"{file} has only {before} rows")


def column_kinds(
    files: Sequence[Table],
    columns: Sequence[str] | None = None,
    expected: Mapping[str, Kind] | None = None,
    reject: bool = False,
) -> dict[str, Kind]:
    """Returns the kind of `columns` (or of all): the expected one where it fits every value.

    Elsewhere, and where none is expected, it is the narrowest that does. Reads all the data once.
    Raises WrongInput as `column_names` and `batches` do, and when there are no rows; with `reject`,
    rows that can't be read are passed over.
    """
    names = column_names(files)
    wanted = list(names if columns is None else columns)
    looks = {name: KindSoFar((expected or {}).get(name)) for name in wanted}
    rows = 0
    for file in files:
        for block in _blocks(file, wanted or names[:1], reject):
            batch, _ = block.read()
            rows += batch.num_rows
            for name, look in looks.items():
                look.add(batch.column(name))
    if not rows:
        raise no_rows(files)
    return {name: look.kind for name, look in looks.items()}


def batches(file: Table, kinds: Mapping[str, Kind], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Yields the columns in `kinds` as int64, float64 or string; missing values are null.

    Streams: holds little more than `rows` rows in memory. A file with no rows yields nothing (see
    `no_rows`). The kind integer also takes whole numbers written as 2.0, as pandas writes integers
    once a value is missing. Raises WrongInput with file, line (Parquet: row), column and value
    where a value does not fit, and for broken files.
    """
    for block in _blocks(file, list(kinds)):
        batch, _ = typed(str(file), block, kinds)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _blocks(file: Table, columns: list[str], reject: bool = False) -> Iterator[Block]:
    names = _checked_header(file)
    absent = next((name for name in columns if name not in set(names)), None)
    if absent is not None:
        raise no_such_column(file, absent, names)
    return _whole(file, reject).blocks(columns)


def typed(
    source: str, block: Block, kinds: Mapping[str, Kind]
) -> tuple[pa.RecordBatch, list[Rejected]]:
    """Returns a block's rows as int64, float64 or string, and the rejected ones.

    Raises OtherKind where a value does not fit, UnreadableRow as the block does.
    """
    batch, rejected = block.read()
    arrays = [_converted(source, block, name, batch.column(name), k) for name, k in kinds.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(kinds)), rejected


def check_ranges(
    source: str, block: Block, batch: pa.RecordBatch, kinds: Mapping[str, Kind]
) -> None:
    """Checks that Examples and requests can hold the numbers that `typed` has returned.

    Raises OutOfRange with place, column and value.
    """
    for name, kind in kinds.items():
        values = batch.column(name)
        index = first_out_of_range(values, kind)
        if index is not None:
            why = out_of_range(values[index].as_py(), kind)
            raise OutOfRange(
                f"{source}, {block.place(index)}, column {name!r}: {why}; {_WAY_OUT[kind]}"
            )


def _converted(source: str, block: Block, name: str, values: pa.Array, kind: Kind) -> pa.Array:
    try:
        return converted(values, kind)
    except MisfitError as misfit:
        raise OtherKind(
            f"{source}, {block.place(misfit.index)}, column {name!r}: "
            f"{not_of_kind(misfit.value, kind)}"
        ) from misfit
