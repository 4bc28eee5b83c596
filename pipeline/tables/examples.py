"""Record batches of plain columns to serialized tf.Examples, by tfx_bsl's encoder.

Most columns hold the same values over and over, and each different one is encoded only once: as a
tf.Example of this one feature. What it says of its feature is copied into the rows that have the
value. A column of mostly different values goes to the encoder row by row.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders import example_coder

# The encoder holds a tf.Example of every row before it writes the first: few rows stay in the
# processor's cache, and take little memory.
_ROWS = 2048
# Of so many rows, one may be encoded on its own.
_ROWS_PER_VALUE = 4
# The field `features` of a tf.Example, and the bit of a length that says that more follows.
_FEATURES, _MORE = 0x0A, 0x80


def encoded(batch: pa.RecordBatch) -> np.ndarray:
    """Returns a serialized tf.Example for each row, objects [rows]; may run in several threads."""
    parts: list[pa.Array] = []
    others: list[str] = []
    for name in batch.schema.names:
        column = batch.column(name).dictionary_encode(null_encoding="encode")
        if len(column.dictionary) * _ROWS_PER_VALUE > len(column):
            others.append(name)
        else:
            values = pa.array(_features({name: column.dictionary}), pa.binary())
            parts.append(values.take(column.indices))
    if others:
        parts.append(
            pa.array(_features({name: batch.column(name) for name in others}), pa.binary())
        )
    return _joined(parts).to_numpy(zero_copy_only=False)


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    """Returns tf.Examples, binary [rows], from parts of what is in them."""
    inside = pc.binary_join_element_wise(*parts, b"") if len(parts) > 1 else parts[0]
    lengths = pc.binary_length(inside).dictionary_encode()
    begins = pa.array(map(_begin, lengths.dictionary.to_pylist()), pa.binary())
    return pc.binary_join_element_wise(begins.take(lengths.indices), inside, b"")


def _begin(length: int) -> bytes:
    """Returns the bytes before the features of a tf.Example, of which there are `length`."""
    begin = [_FEATURES]
    while length >= _MORE:
        begin.append(length % _MORE | _MORE)
        length //= _MORE
    return bytes([*begin, length])


def _features(columns: dict[str, pa.Array]) -> Iterable[bytes]:
    """Yields for each row what its tf.Example holds, without the bytes that begin it."""
    lists = pa.RecordBatch.from_arrays(
        [_as_lists(c) for c in columns.values()], names=list(columns)
    )
    encoder = example_coder.RecordBatchToExamplesEncoder()
    for start in range(0, lists.num_rows, _ROWS):
        for example in encoder.encode(lists.slice(start, _ROWS)):
            end = 1
            while example[end] >= _MORE:
                end += 1
            yield example[end + 1 :]


def _as_lists(column: pa.Array) -> pa.Array:
    """Returns a column of lists with one value each, or null where the value is missing."""
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float32())
    elif not pa.types.is_integer(column.type):
        column = column.cast(pa.binary())
    if not column.null_count:
        return pa.ListArray.from_arrays(
            pa.array(np.arange(len(column) + 1, dtype=np.int32)), column
        )
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    offsets = pa.array(ends, mask=np.concatenate([~valid, [False]]))
    return pa.ListArray.from_arrays(offsets, column.drop_null())
