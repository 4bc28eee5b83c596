"""The sampled rows of a window, from the files that a server has written.

Of very many rows a random sample is kept: the comparison gets no better with more than some ten
thousand.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders import example_coder

from beltline.serving.samples.encoding import PREFIX, TIME
from beltline.serving.samples.files import SPLIT, sample_files, split_folder

MOST_ROWS = 100_000
_BATCH = 4096


@dataclass(frozen=True)
class Samples:
    """Sampled rows: `seen` is how many there were, `table` has all or some of them.

    Each column holds lists: of one value, or null where it is missing.
    """

    table: pa.Table
    seen: int
    damaged: tuple[Path, ...] = ()


def sampled_versions(folder: Path) -> list[int]:
    """Returns the versions that have samples, ascending."""
    splits = {file.parent.name for file in folder.glob(f"{SPLIT}*/*.gz")}
    numbers = (split.removeprefix(SPLIT) for split in splits)
    return sorted(int(number) for number in numbers if number.isdecimal())


def read(
    folder: Path,
    versions: Iterable[int],
    begin: datetime,
    end: datetime,
    types: Mapping[str, pa.DataType],
) -> Samples:
    """Reads the rows that some versions answered after `begin`, up to `end`.

    Args:
      folder: where the samples are.
      versions: the versions that answered.
      begin: with its time zone, as `end`.
      end: the last second.
      types: the columns, and what they are read as; one that has other values in a file of an
        earlier version is missing there. Beltline's own features are included.
    """
    drawn = _Drawn()
    damaged = []
    for version in versions:
        for file in sample_files(split_folder(folder, version), begin, end):
            try:
                for batch in _batches(file):
                    drawn.add(_typed(_within(batch, begin, end), types))
            except (tf.errors.DataLossError, tf.errors.NotFoundError):
                # The oldest may be deleted meanwhile; a file may be damaged.
                damaged += [file] if file.exists() else []
    return Samples(drawn.table(), drawn.seen, tuple(damaged))


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    records = tf.data.TFRecordDataset(str(file), "GZIP", buffer_size=1 << 20).batch(_BATCH)
    for serialized in records.as_numpy_iterator():
        yield decoder.DecodeBatch(serialized)


def _within(batch: pa.RecordBatch, begin: datetime, end: datetime) -> pa.RecordBatch:
    times = batch.column(TIME).flatten().to_numpy()
    inside = (times > begin.timestamp()) & (times <= end.timestamp())
    return batch if inside.all() else batch.filter(pa.array(inside))


def _typed(batch: pa.RecordBatch, types: Mapping[str, pa.DataType]) -> pa.Table:
    columns = {}
    for name in batch.schema.names:
        if name in types:
            columns[name] = _cast(batch.column(name), types[name])
        elif name.startswith(PREFIX):
            columns[name] = batch.column(name)
    return pa.table(columns)


def _cast(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """Returns lists of another type; all missing where the values don't have it."""
    lists = pa.large_list(type_)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), lists)
    try:
        values = column.flatten().cast(type_, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(column), lists)
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    missing = np.concatenate([column.is_null().to_numpy(zero_copy_only=False), [False]])
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64(), mask=missing), values)


class _Drawn:
    """A random sample of bounded size, whatever the number of rows."""

    def __init__(self) -> None:
        self.seen = 0
        self._share = 1.0
        self._tables: list[pa.Table] = []
        # The same files give the same report.
        self._random = np.random.default_rng(0)

    def add(self, table: pa.Table) -> None:
        self.seen += table.num_rows
        self._tables.append(self._part(table, self._share))
        if sum(table.num_rows for table in self._tables) > MOST_ROWS:
            self._share /= 2
            self._tables = [
                self._part(pa.concat_tables(self._tables, promote_options="default"), 0.5)
            ]

    def table(self) -> pa.Table:
        tables = [table for table in self._tables if table.num_rows]
        if not tables:
            return pa.table({})
        return pa.concat_tables(tables, promote_options="default").combine_chunks()

    def _part(self, table: pa.Table, share: float) -> pa.Table:
        if share == 1.0:
            return table
        return table.filter(pa.array(self._random.random(table.num_rows) < share))
