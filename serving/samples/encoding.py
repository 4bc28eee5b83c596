"""Answered rows as tf.Examples, the way that ExampleGen would have written them.

A column keeps its name and has the kind that the version's card says: an integer is an int64_list,
a number a float_list, a text a bytes_list; a missing value is a feature without a value. Other
features begin with `beltline:`:

    beltline:version, beltline:time (epoch seconds)    integers
    beltline:key                                       text, where the rows have keys
    beltline:probability, beltline:class, ...          each output of the model

So a column whose own name begins with that is left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from tfx_bsl.coders import example_coder

Array = np.ndarray[Any, Any]

PREFIX = "beltline:"
VERSION, TIME, KEY = f"{PREFIX}version", f"{PREFIX}time", f"{PREFIX}key"
_ROWS = 128
_END_OF_INTEGERS = 2.0**63


class SampledRequest(NamedTuple):
    """The rows of one request; `chosen` says which, None all of them; `size` is in bytes."""

    time: int
    rows: int
    chosen: Array | None
    columns: Mapping[str, Array]
    answers: Mapping[str, Array]
    keys: Sequence[str] | None
    size: int = 0

    def of(self, values: Array) -> Array:
        """Returns the chosen rows of an input or an output."""
        return values if self.chosen is None else values[self.chosen]

    def is_like(self, other: "SampledRequest") -> bool:
        """Whether both have the same columns and answers; those of two signatures may differ."""
        columns, answers = other.columns.keys(), other.answers.keys()
        return self.columns.keys() == columns and self.answers.keys() == answers


def encoded(
    version: int,
    requests: Sequence[SampledRequest],
    kinds: Mapping[str, str],
    without: Collection[str] = (),
    with_key: bool = True,
) -> Iterator[list[bytes]]:
    """Yields the serialized tf.Examples of one version's rows, some hundred at a time.

    Args:
      version: the version that answered.
      requests: sampled requests; they have the same columns and answers.
      kinds: `integer`, `number` or `text` by column; others go by the values' type.
      without: columns to leave out.
      with_key: whether to keep the keys of the rows.

    Raises:
      ValueError, KeyError, TypeError, pyarrow.ArrowInvalid: values that fit no feature.
    """
    features: dict[str, pa.Array] = {}
    for name in requests[0].columns:
        if name not in without and not name.startswith(PREFIX):
            values = np.concatenate([request.of(request.columns[name]) for request in requests])
            features[name] = _column(values.reshape(-1), kinds.get(name))
    features |= _further_features(version, requests, with_key)
    rows = pa.RecordBatch.from_arrays(list(features.values()), names=list(features))
    encoder = example_coder.RecordBatchToExamplesEncoder()
    for start in range(0, rows.num_rows, _ROWS):
        yield encoder.encode(rows.slice(start, _ROWS))


def _further_features(
    version: int, requests: Sequence[SampledRequest], with_key: bool
) -> Iterator[tuple[str, pa.Array]]:
    counts = [request.rows for request in requests]
    yield VERSION, _lists(pa.array(np.full(sum(counts), version), pa.int64()))
    yield (
        TIME,
        _lists(pa.array(np.repeat([request.time for request in requests], counts), pa.int64())),
    )
    if with_key and any(request.keys is not None for request in requests):
        keys = [request.of(_keys(request)) for request in requests]
        yield KEY, _column(np.concatenate(keys), "text")
    for name in requests[0].answers:
        values = np.concatenate([request.of(request.answers[name]) for request in requests])
        if values.ndim > 1 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim == 1:
            yield f"{PREFIX}{name}", _column(values, None)
        elif values.dtype.kind == "f":
            yield f"{PREFIX}{name}", _rows_of_numbers(values)


def _keys(request: SampledRequest) -> Array:
    rows = len(next(iter(request.columns.values())))
    return np.array(request.keys if request.keys is not None else [""] * rows, object)


def _column(values: Array, kind: str | None) -> pa.Array:
    """Returns the feature of a column `[n]`."""
    if kind == "text" or values.dtype.kind in "OSU":
        return _lists(pa.array([_text(value) for value in values.tolist()], pa.binary()))
    if kind == "integer" or (kind is None and values.dtype.kind in "biu"):
        if values.dtype.kind != "f":
            return _lists(pa.array(values.astype(np.int64)))
        missing = ~(np.abs(values) < _END_OF_INTEGERS)
        whole = np.where(missing, 0, values).astype(np.int64)
        return _lists(pa.array(whole, mask=missing))
    return _lists(pa.array(values.astype(np.float32), from_pandas=True))


def _text(value: Any) -> bytes | None:
    return (value if isinstance(value, bytes) else str(value).encode(errors="replace")) or None


def _lists(values: pa.Array) -> pa.Array:
    """Returns lists of one value each, or null where the value is missing."""
    if not values.null_count:
        return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32), values)
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    offsets = pa.array(ends, mask=np.concatenate([~valid, [False]]))
    return pa.ListArray.from_arrays(offsets, values.drop_null())


def _rows_of_numbers(values: Array) -> pa.Array:
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel(), pa.float32()))
