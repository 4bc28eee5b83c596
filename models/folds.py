"""Which part of a model leaves out which rows.

With several folds, each booster, or network, learns from all rows of training and validation but
those of its fold, and what it says of these is honest. A row's fold follows from its content: rows
that are alike are left out together, and the order of the rows doesn't matter.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.config import Auto, Learner

Array = npt.NDArray[Any]

MOST_ROWS: dict[Learner, tuple[tuple[int, int], ...]] = {
    "trees": ((20_000, 8), (100_000, 4)),
    "extra_trees": ((20_000, 8), (100_000, 4)),
    "network": ((10_000, 4),),
}
"""Up to so many rows, so many folds, where the setting is `auto`; beyond them one."""


def number_of_folds(setting: int | Auto, rows: int, learner: Learner) -> int:
    """Returns how many folds `training.folds` means.

    Args:
      setting: of the settings; `auto` follows the number of rows.
      rows: of training and validation together.
      learner: the network, whose folds cost more, never has more of them than with `auto`.
    """
    usual = next((folds for most, folds in MOST_ROWS[learner] if rows <= most), 1)
    if setting == "auto":
        return usual
    return min(setting, usual) if learner == "network" else setting


def folds_of(table: Array, folds: int, seed: int) -> Array:
    """Returns the fold of each row, `[n]` of 0 to `folds - 1`, as even as its content allows.

    Args:
      table: `[n, F]` float32.
      folds: how many; at least two.
      seed: another one gives other folds.
    """
    bits = np.ascontiguousarray(table, "float32").view("uint32").astype("uint64")
    rng = np.random.default_rng(seed)
    # Multiply-shift hashing; what overflows is meant to be lost.
    odd = rng.integers(0, 1 << 63, table.shape[1], "uint64") * np.uint64(2) + np.uint64(1)
    hashed = (bits * odd).sum(axis=1, dtype="uint64") >> np.uint64(20)
    _, same = np.unique(hashed, return_inverse=True)
    distinct = int(same.max()) + 1
    turns = rng.permutation(distinct) % folds
    fold: Array = turns[same].astype("int32")
    return fold
