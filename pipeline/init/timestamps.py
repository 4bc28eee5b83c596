"""Which parts of a timestamp help to predict the label, found by `beltline init` in one more pass.

The earlier half of the time teaches what each hour, weekday or month is like, and the later half
shows whether that holds: a drift of the label, which any part seems to follow, does not pass as a
habit. A part is looked at where both halves see all of it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beltline.pipeline.init.feature_selection import is_timestamp
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.init.profile import ColumnProfile
from beltline.pipeline.settings.data import Part
from beltline.pipeline.tables import Table, batches
from beltline.pipeline.tables.times import times

_DAY = 86_400_000_000  # microseconds, as the times are
_CYCLE_DAYS: dict[Part, int] = {"hour": 1, "weekday": 7, "month": 365}
"""Days until a part begins anew."""
_MOST_ROWS = 200_000
_GROUPS = 20
# Student's t of the groups; below 0 where nothing holds, as what was learnt is then in the way.
_LEAST_T = 2.5
# As many rows like all others are added to each hour, so that one of three rows says little.
_PRIOR_ROWS = 20
_SHOWN_VALUES = 1_000


def readable(column: ColumnProfile) -> bool:
    """Returns whether a column has texts that are times, in a form that the model reads."""
    if not _are_times(column):
        return False
    shown = pa.array([str(value) for value in list(column.counts)[:_SHOWN_VALUES]])
    return not np.isnan(times(shown, numbers=False)).any()


def unreadable(column: ColumnProfile) -> bool:
    """Returns whether a column has texts that are times, but not in such a form."""
    return _are_times(column) and not readable(column)


def _are_times(column: ColumnProfile) -> bool:
    return column.kind == "text" and column.distinct > 1 and is_timestamp(column)


def parts_of_times(
    files: Sequence[Table], columns: Sequence[ColumnProfile], label: InferredLabel
) -> dict[str, tuple[list[Part], str]]:
    """Returns of each column the parts that help, and else why none does; reads the data once.

    Raises:
      WrongInput: as `tables.batches`.
    """
    if not columns:
        return {}
    found, labels = _read(files, columns, label)
    return {name: _helpful(at, labels, label.task == "regression") for name, at in found.items()}


def _read(
    files: Sequence[Table], columns: Sequence[ColumnProfile], label: InferredLabel
) -> tuple[Mapping[str, np.ndarray], np.ndarray]:
    """Returns the times of each column and the labels, of up to `_MOST_ROWS` rows."""
    name = label.column.name
    step = math.ceil(label.column.rows / _MOST_ROWS)
    kinds = {name: label.column.kind} | {each.name: each.kind for each in columns}
    kept, rows_before = [], 0
    for file in files:
        for batch in batches(file, kinds):
            rows = np.arange(-rows_before % step, batch.num_rows, step)
            kept.append(batch.take(pa.array(rows)))
            rows_before += batch.num_rows
    table = pa.Table.from_batches(kept)
    table = table.filter(table.column(name).is_valid())
    at = {each.name: _times_of(table.column(each.name)) for each in columns}
    return at, _as_numbers(table.column(name).combine_chunks(), label)


def _times_of(column: pa.ChunkedArray) -> np.ndarray:
    return np.concatenate([times(each, numbers=False) for each in column.chunks] or [np.empty(0)])


def _as_numbers(values: pa.Array, label: InferredLabel) -> np.ndarray:
    """Returns the label as numbers, of a classification the places of its classes."""
    if label.task == "regression":
        return np.asarray(pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False))
    return np.asarray(values.dictionary_encode().indices.to_numpy(zero_copy_only=False))


def _helpful(at: np.ndarray, labels: np.ndarray, regression: bool) -> tuple[list[Part], str]:
    known = np.flatnonzero(~np.isnan(at))
    known = known[np.argsort(at[known], kind="stable")]
    at, labels = at[known], labels[known]
    # By the clock, so that no half has more days than the other.
    half = int(np.searchsorted(at, (at[0] + at[-1]) / 2)) if len(at) else 0
    halves = [(each[-1] - each[0]) / _DAY if len(each) else 0 for each in (at[:half], at[half:])]
    seen = [part for part, days in _CYCLE_DAYS.items() if min(halves) >= 0.95 * days]
    bins = {part: _bins(at, part) for part in seen}
    helpful = [part for part in seen if _helps(bins[part], labels, half, regression)]
    return helpful, "" if helpful else _why_not(seen)


def _why_not(seen: Sequence[Part]) -> str:
    unseen = [part for part in _CYCLE_DAYS if part not in seen]
    said = [f"{' and '.join(seen)} {'do' if len(seen) > 1 else 'does'} not help"] if seen else []
    return "; ".join([*said, *([f"too short for {' and '.join(unseen)}"] if unseen else [])])


def _bins(at: np.ndarray, part: Part) -> np.ndarray:
    if part == "hour":
        return (at // (_DAY // 24) % 24).astype(np.int64)
    if part == "weekday":
        return ((at // _DAY + 3) % 7).astype(np.int64)
    months = at.astype(np.int64).astype("datetime64[us]").astype("datetime64[M]")
    return months.astype(np.int64) % 12


def _helps(bins: np.ndarray, labels: np.ndarray, half: int, regression: bool) -> bool:
    gains = (_gains_in_number if regression else _gains_in_class)(bins, labels, half)
    if len(gains) < _GROUPS:
        return False
    means = np.array([group.mean() for group in np.array_split(gains, _GROUPS)])
    deviation = means.std(ddof=1)
    return bool(means.mean() > 0 and means.mean() >= _LEAST_T * deviation / math.sqrt(_GROUPS))


def _gains_in_number(bins: np.ndarray, labels: np.ndarray, half: int) -> np.ndarray:
    """Returns by how much the squared error of each later row falls, `[n]`."""
    fine = np.isfinite(labels)
    taught = fine & (np.arange(len(labels)) < half)
    if not taught.any():
        return np.empty(0)
    mean = labels[taught].mean()
    rows = np.bincount(bins[taught], minlength=24)
    sums = np.bincount(bins[taught], labels[taught] - mean, minlength=24)
    learnt = mean + sums / (rows + _PRIOR_ROWS)
    later = fine & ~taught & (np.arange(len(labels)) >= half)
    return (labels[later] - mean) ** 2 - (labels[later] - learnt[bins[later]]) ** 2


def _gains_in_class(bins: np.ndarray, labels: np.ndarray, half: int) -> np.ndarray:
    """Returns by how much the Brier score of each later row falls, `[n]`."""
    if not half:
        return np.empty(0)
    classes = int(labels.max()) + 1
    counts = np.zeros((24, classes))
    np.add.at(counts, (bins[:half], labels[:half]), 1)
    shares = counts.sum(axis=0) / half
    learnt = (counts + _PRIOR_ROWS * shares) / (counts.sum(axis=1, keepdims=True) + _PRIOR_ROWS)
    return _brier(shares[np.newaxis])[0, labels[half:]] - _brier(learnt)[bins[half:], labels[half:]]


def _brier(shares: np.ndarray) -> Any:
    """Returns the Brier score where a class turns out true, `[bins, classes]`, of shares alike."""
    return (shares**2).sum(axis=1, keepdims=True) - 2 * shares + 1
