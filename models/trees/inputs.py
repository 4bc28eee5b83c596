"""The columns that trees split on, out of what `preprocessing.py` makes for the network.

Trees ask for an order alone, so that an encoding which keeps it is as good as the number itself:
robust scaling keeps it to the ends, the rank's normal score up to the outermost quantiles. Where
nearly all rows have the same value, only the rank tells others from it. Missing values become NaN,
and categories stay the indices that they are.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from beltline.models.features import Features
from beltline.models.reading import Split

Array = npt.NDArray[Any]
Tensors = Mapping[str, Any]

_AT_ONCE = 65_536  # rows
_FEW = 0.1  # distinct values of a row, at most, where some are frequent
_ROUNDING = 4 * float(np.finfo("float32").eps)


class TreeColumns(keras.layers.Layer):
    """Maps the transformed inputs by name to one table `[n, F]` float32, numbers first.

    Args:
      numeric: for each number, which column of the input `numeric` is used.
    """

    def __init__(self, numeric: list[int], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.numeric = numeric

    def call(self, inputs: Tensors) -> keras.KerasTensor:
        """Picks the columns; NaN stands for a missing number."""
        parts = []
        if self.numeric:
            numbers = keras.ops.take(inputs["numeric"], np.array(self.numeric), axis=1)
            parts.append(keras.ops.where(inputs["missing"] > 0, float("nan"), numbers))
        if "categories" in inputs:
            parts.append(keras.ops.cast(inputs["categories"], "float32"))
        return keras.ops.concatenate(parts, axis=1)


def tree_columns(split: Split, features: Features) -> TreeColumns:
    """Returns the layer that makes the trees' table, as suits the rows of the training split."""
    columns = features.number_count
    if not columns or features.numbers != "quantile":
        return TreeColumns(list(range(columns)))
    spread = np.zeros(2 * columns)
    for inputs in _batches(split):
        spread = np.maximum(spread, np.ptp(np.asarray(inputs["numeric"]), axis=0))
    robust = [columns + place for place in range(columns)]
    return TreeColumns([each if spread[each] else each - columns for each in robust])


def table_of(split: Split, columns: TreeColumns) -> Array:
    """Returns the trees' table of a split, `[n, F]`; all of it in memory."""
    return np.concatenate([np.asarray(columns(inputs)) for inputs in _batches(split)])


def settle(column: Array) -> Array:
    """Returns numbers `[n]` in which the same number has the same bits.

    TensorFlow rounds a number in the middle of a batch otherwise than one at its end. Where a
    column has few values, a tree would split between two that should be one, and answer a row by
    its place. So a value goes to a more frequent neighbour, if only rounding is between them.
    """
    if len(np.unique(column[:_AT_ONCE])) > _FEW * min(len(column), _AT_ONCE):
        return column
    values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) < 2:
        return column
    near = np.diff(values) <= _ROUNDING * np.abs(values[1:])
    before = np.where(np.append(False, near), np.append(0, counts[:-1]), 0)
    after = np.where(np.append(near, False), np.append(counts[1:], 0), 0)
    step = np.where((after > counts) & (after > before), 1, np.where(before >= counts, -1, 0))
    settled: Array = values[np.arange(len(values)) + np.where(before + after > 0, step, 0)][place]
    return settled


def _batches(split: Split) -> Any:
    return (inputs for (inputs,) in split.batches(_AT_ONCE, lambda inputs, _: (inputs,)))
