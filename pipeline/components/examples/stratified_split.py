"""Splits in which every class has its share: each class is split in the order of its rows' hashes.

A hash alone gives each class its share but for chance, which leaves a rare class with half or twice
its rows in a small split. Here the boundaries between the hashes are laid for each class so that
the shares are met exactly. So they depend on all rows, but hardly: further rows move them by no
more than chance did, and only rows in between come into another split.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from beltline.pipeline import tables
from beltline.pipeline.components.examples.in_order import in_order
from beltline.pipeline.components.examples.row_split import edges_of, row_buckets

Boundaries = Mapping[str | None, np.ndarray]


@dataclass(frozen=True)
class StratifiedSplit:
    """Which rows belong to which split; picklable for Beam."""

    column: str
    shares: Mapping[str, float]
    boundaries: Boundaries
    """The buckets at which each split but the first begins, by class."""

    def __call__(self, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        """Returns for each split the numbers of the rows that belong to it, in order."""
        split = np.zeros(batch.num_rows, np.int64)
        for name, rows, buckets in _by_class(batch, self.column):
            split[rows] = np.searchsorted(self._of(name), buckets, side="right")
        return {name: np.flatnonzero(split == place) for place, name in enumerate(self.shares)}

    def _of(self, name: str | None) -> np.ndarray:
        # The rows of a query may have changed, and have a new class.
        return self.boundaries.get(name, self.boundaries[None])


def stratified_split(
    column: str,
    units: Iterable[tables.Unit],
    kinds: Mapping[str, tables.Kind],
    shares: Mapping[str, float],
) -> StratifiedSplit:
    """Returns the split of the rows in `units`; reads them all, 4 bytes a row in memory.

    Identical rows are never in two splits. A class of as many rows as there are splits has one in
    each. Rows without a label are split by their hash alone.

    Args:
      column: the label.
      units: the parts of the data.
      kinds: the kind of each column that is written.
      shares: the share of each split by name.

    Raises:
      OtherKind: a value is not of its column's kind.
      WrongInput: a row can't be read.
    """
    found: dict[str | None, list[np.ndarray]] = {}
    for unit in units:
        source = unit.source()

        def classes(
            block: tables.Block, source: str = source
        ) -> list[tuple[str | None, np.ndarray]]:
            batch, _ = tables.typed(source, block, kinds)
            return [(name, buckets) for name, _, buckets in _by_class(batch, column)]

        for parts in in_order(classes, unit.blocks(list(kinds))):
            for name, buckets in parts:
                found.setdefault(name, []).append(buckets.astype(np.uint32))
    boundaries = {name: _boundaries(np.concatenate(each), shares) for name, each in found.items()}
    return StratifiedSplit(column, shares, {**boundaries, None: edges_of(shares)[1:]})


def _by_class(
    batch: pa.RecordBatch, column: str
) -> Iterator[tuple[str | None, np.ndarray, np.ndarray]]:
    """Yields each class with the numbers of its rows, and their buckets."""
    buckets = row_buckets(batch)
    labels = batch.column(column).dictionary_encode(null_encoding="encode")
    codes = labels.indices.to_numpy(zero_copy_only=False)
    for code, name in enumerate(labels.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        yield name, rows, buckets[rows]


def _boundaries(buckets: np.ndarray, shares: Mapping[str, float]) -> np.ndarray:
    """Returns the buckets that begin the second split and those after it."""
    buckets = np.sort(buckets)
    rows, splits = len(buckets), len(shares)
    starts = np.rint(np.cumsum([*shares.values()])[:-1] * rows).astype(np.int64)
    if rows >= splits:
        for place in range(splits - 1):
            least = place + 1 if place == 0 else starts[place - 1] + 1
            starts[place] = min(max(starts[place], least), rows - (splits - 1 - place))
    return np.append(buckets, buckets[-1] + 1)[starts]
