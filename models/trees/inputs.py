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


class TreeColumns(keras.layers.Layer):
    """Maps the transformed inputs by name to one table `[n, F]` float32, numbers first.

    Args:
      numeric: for each number, which column of the input `numeric` is used.
    """

    def __init__(self, numeric: list[int], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self._numeric = numeric

    def call(self, inputs: Tensors) -> keras.KerasTensor:
        """Picks the columns; NaN stands for a missing number."""
        parts = []
        if self._numeric:
            numbers = keras.ops.take(inputs["numeric"], np.array(self._numeric), axis=1)
            parts.append(keras.ops.where(inputs["missing"] > 0, float("nan"), numbers))
        if "categories" in inputs:
            parts.append(keras.ops.cast(inputs["categories"], "float32"))
        return keras.ops.concatenate(parts, axis=1)


def tree_columns(split: Split, features: Features) -> TreeColumns:
    """Returns the layer that makes the trees' table, as suits the rows of the training split."""
    columns = len(features.numeric)
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


def _batches(split: Split) -> Any:
    return (inputs for (inputs,) in split.batches(_AT_ONCE, lambda inputs, _: (inputs,)))
