"""Tables on disk (CSV, TSV, Parquet) read with Arrow; for `beltline init` and for ExampleGen.

A column has one of three kinds, the narrowest that holds all its values:

| kind | Arrow type | is |
|---|---|---|
| integer | int64 | -12, 0, 7: digits as the integer itself would be written, within 64 bits |
| number | float64 | the above, 0.5, .5, 1e-3, +0.5, 2.0, inf |
| text | string | everything else: also codes (007, +4930123, 20 digits or more), 0x1F, 1,5, 12 % |

Missing: a Parquet null, NaN, and a field that is empty or holds only white space or one of NA,
N/A, n/a, #N/A, NaN, nan, null, NULL, quoted or not. `None` is text: in many files it is a category.
A column with no value at all is text. White space around numbers is ignored; in text it stays.

CSV is RFC 4180: UTF-8 (a byte order mark is accepted), commas (tabs in .tsv), fields with a
delimiter, a quote or a line break in double quotes, quotes doubled; any line ends; blank lines are
skipped. The suffix decides the format; .gz and .zst are unpacked while reading.

Parquet: numbers in string columns count as numbers; booleans are the text true or false; dates and
times are ISO text; decimals and 64-bit unsigned integers are read as if written out.

A new format is a module with `header`, `plain_batches` and `place` (see `csv_files.py`), an entry
in `_READERS`, and its suffixes in `files.FORMATS`.
"""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from bundle.errors import WrongInput
from pipeline.tables import csv_files, parquet_files
from pipeline.tables.files import FORMATS, content_digest, data_files, source_path, suffix_of
from pipeline.tables.kinds import Kind, MisfitError, converted, kind_of, wider
from pipeline.tables.spans import Span, files_of_span

__all__ = [
    "Kind",
    "Span",
    "batches",
    "column_kinds",
    "column_names",
    "content_digest",
    "data_files",
    "files_of_span",
    "no_rows",
    "no_such_column",
    "place",
    "source_path",
]

ROWS = 65536
_MOST_NAMED = 10


class _Reader(Protocol):
    def header(self, file: Path) -> list[str]: ...

    def plain_batches(
        self, file: Path, columns: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]: ...

    def place(self, file: Path, row: int) -> str: ...


_READERS: dict[str, _Reader] = {"csv": csv_files, "parquet": parquet_files}


def _reader(file: Path) -> _Reader:
    return _READERS[FORMATS[suffix_of(file) or ".csv"]]


def column_names(files: Sequence[Path]) -> list[str]:
    """The column names of a set of files, in the first file's order; reads headers only.

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


def _checked_header(file: Path) -> list[str]:
    names = _reader(file).header(file)
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


def _disagreement(first: Path, file: Path, missing: list[str], extra: list[str]) -> str:
    parts = [
        f"{word} {_listed(names)}" for word, names in (("lacks", missing), ("adds", extra)) if names
    ]
    return f"{file}: other columns than {first}: it {' and '.join(parts)}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def no_such_column(where: object, name: str, columns: Sequence[str]) -> WrongInput:
    """The error to raise when `name` is none of `columns`; it names the nearest one."""
    near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"its columns: {_listed(columns)}"
    return WrongInput(f"{where}: there is no column {name!r}; {hint}")


def no_rows(files: Sequence[Path]) -> WrongInput:
    """The error to raise when a set of files has column names but no rows."""
    return WrongInput(f"{', '.join(str(file) for file in files[:3])}: no rows, only column names")


def place(file: Path, row: int) -> str:
    """Where data row `row` (from 0) of a file stands, in words: "line 12", or "row 11"."""
    return _reader(file).place(file, row)


def column_kinds(files: Sequence[Path], columns: Sequence[str] | None = None) -> dict[str, Kind]:
    """The narrowest kind that holds every value of a column in all files, for `columns` (or all).

    Reads all the data once. Raises WrongInput as `column_names` and `batches` do, and when
    there are no rows.
    """
    names = column_names(files)
    wanted = list(names if columns is None else columns)
    kinds: dict[str, Kind | None] = dict.fromkeys(wanted)
    rows = 0
    for file in files:
        for batch in _plain_batches(file, wanted or names[:1], ROWS):
            rows += batch.num_rows
            for name in wanted:
                if kinds[name] != "text":
                    kinds[name] = wider(kinds[name], kind_of(batch.column(name)))
    if not rows:
        raise no_rows(files)
    return {name: kind or "text" for name, kind in kinds.items()}


def batches(file: Path, kinds: Mapping[str, Kind], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """The columns in `kinds`, in that order, as int64, float64 or string; missing values are null.

    Streams: holds a few batches of at most `rows` rows (and 4 MiB of CSV) in memory. A file with
    no rows yields nothing (see `no_rows`). The kind integer also takes whole numbers written as
    2.0, as pandas writes integers once a value is missing. Raises WrongInput with file, line
    (Parquet: row), column and value where a value does not fit, and for broken files.
    """
    before = 0
    for batch in _plain_batches(file, list(kinds), rows):
        arrays = [
            _converted(file, before, name, batch.column(name), kind) for name, kind in kinds.items()
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=list(kinds))
        before += batch.num_rows


def _plain_batches(file: Path, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    names = _checked_header(file)
    absent = next((name for name in columns if name not in set(names)), None)
    if absent is not None:
        raise no_such_column(file, absent, names)
    return _reader(file).plain_batches(file, columns, rows)


def _converted(file: Path, before: int, name: str, values: pa.Array, kind: Kind) -> pa.Array:
    try:
        return converted(values, kind)
    except MisfitError as misfit:
        where = place(file, before + misfit.index)
        meant = {"integer": "a whole number", "number": "a number"}[kind]
        raise WrongInput(
            f"{file}, {where}, column {name!r}: {misfit.value!r} is not {meant}"
        ) from misfit
