"""The slices of an evaluation that the model does worst in, those apart in which chance decides."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

LEAST_ROWS = 100
_LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Slice:
    """Rows that share a value: `column=value`, how many they are, and what the metric is there."""

    slice: str
    rows: int
    value: float


def worst_first(
    slices: Iterable[tuple[str, Mapping[str, float]]], metric: str, sign: int, least_rows: int
) -> tuple[list[Slice], int]:
    """Returns the slices with enough rows, the worst first, and how many have too few.

    Args:
      slices: each slice's name, empty for all rows, and its metrics; `rows` is one of them.
      metric: what decides; a slice in which it is not a number has too few rows to tell.
      sign: 1 if more is better, -1 if less is.
      least_rows: how many rows are enough.
    """
    named = [(name, metrics) for name, metrics in slices if name and metric in metrics]
    told = [
        Slice(name, int(metrics["rows"]), metrics[metric])
        for name, metrics in named
        if metrics["rows"] >= least_rows and math.isfinite(metrics[metric])
    ]
    return sorted(told, key=lambda each: (sign * each.value, each.slice)), len(named) - len(told)


def rows_that_tell(is_true: np.ndarray | None = None) -> int:
    """Returns from how many rows on a slice tells more than chance.

    Args:
      is_true: `[n]` labels of some rows, for a metric that hangs on both classes: so many rows then
        that ten of the rarer class are to be expected among them.
    """
    if is_true is None:
        return LEAST_ROWS
    share = min(np.mean(is_true), 1 - np.mean(is_true))
    return max(LEAST_ROWS, math.ceil(_LEAST_OF_A_CLASS / max(share, 1 / is_true.size)))
