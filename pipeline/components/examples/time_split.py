"""Splits in the order of time: the earliest rows train, the latest are for the evaluation.

A model is judged as it will be used, on rows that come after those it has learned from. The time is
a number, or text in ISO 8601 (UTC where it has no offset).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.tables.times import times


@dataclass(frozen=True)
class TimeSplit:
    """Which rows belong to which split; picklable for Beam."""

    column: str
    numbers: bool
    """The times are numbers, also where the column is written as text."""
    ranges: Mapping[str, tuple[float, float]]
    """The times of each split: from the first to before the second."""

    def __call__(self, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        """Returns for each split the numbers of the rows that belong to it, in order.

        A row without a time belongs to the first split, which judges nothing.
        """
        found = times(batch.column(self.column), self.numbers)
        found[np.isnan(found)] = -np.inf
        return {
            name: np.flatnonzero((start <= found) & (found < end))
            for name, (start, end) in self.ranges.items()
        }


def time_split(
    column: str,
    units: Iterable[tables.Unit],
    kind: tables.Kind,
    shares: Mapping[str, float],
    gap: float = 0.0,
    labelled_by: str = "",
) -> TimeSplit:
    """Returns the split of the rows in `units`; reads the column once, 8 bytes a row in memory.

    Rows of one time are never in two splits, so the shares are met as far as the times differ.

    Args:
      column: the column of the times.
      units: the parts of the data.
      kind: the kind of the column that holds all its values.
      shares: the share of each split by name, the earliest first.
      gap: the share of the rows that is left out before each split but the first.
      labelled_by: a column; rows where it is missing don't count.

    Raises:
      WrongInput: a value is not a time, or a split would be empty.
    """
    numbers = kind != "text"
    known = np.sort(np.concatenate([*_read(column, units, kind, labelled_by), np.empty(0)]))
    ranges = _ranges(known, shares, gap)
    empty = [
        name
        for name, (start, end) in ranges.items()
        if not ((start <= known) & (known < end)).any()
    ]
    if len(known) and empty:
        raise WrongInput(
            f"data.split_by.time: the column {column!r} has {len(np.unique(known)):,} different "
            f"times in {len(known):,} rows, and the split {empty[0]!r} would be empty; name a "
            "finer time, or choose other data.splits or a smaller gap"
        )
    return TimeSplit(column, numbers, ranges)


def _ranges(
    known: np.ndarray, shares: Mapping[str, float], gap: float
) -> dict[str, tuple[float, float]]:
    starts = [-np.inf, *(_at(known, share) for share in _edges(shares))]
    ends = [*(_at(known, share - gap) for share in _edges(shares)), np.inf]
    return {
        name: (float(start), float(end))
        for name, start, end in zip(shares, starts, ends, strict=True)
    }


def _edges(shares: Mapping[str, float]) -> Sequence[float]:
    return np.cumsum([*shares.values()])[:-1].tolist()


def _at(known: np.ndarray, share: float) -> float:
    return known[min(max(round(share * len(known)), 0), len(known) - 1)] if len(known) else np.inf


def _read(
    column: str, units: Iterable[tables.Unit], kind: tables.Kind, labelled_by: str
) -> Iterable[np.ndarray]:
    kinds: dict[str, tables.Kind] = {column: kind}
    if labelled_by:
        kinds.setdefault(labelled_by, "text")
    for unit in units:
        for block in unit.blocks(list(kinds)):
            batch, _ = tables.typed(unit.source(), block, kinds)
            values = batch.column(column)
            found = times(values, kind != "text")
            _check(unit, block, values, found, column)
            if labelled_by:
                found = found[batch.column(labelled_by).is_valid().to_numpy(zero_copy_only=False)]
            yield found[~np.isnan(found)]


def _check(
    unit: tables.Unit, block: tables.Block, values: pa.Array, found: np.ndarray, column: str
) -> None:
    unread = np.isnan(found) & pc.is_valid(values).to_numpy(zero_copy_only=False)
    if unread.any():
        index = int(np.argmax(unread))
        raise WrongInput(
            f"{unit.source()}, {block.place(index)}, column {column!r}: "
            f"{values[index].as_py()!r} is not a time; data.split_by.time takes numbers and ISO "
            "8601, such as 2026-11-23 or 2026-11-23T06:00:00Z"
        )
