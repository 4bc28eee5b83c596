"""One booster of a forest: it leaves some rows out, and is judged by them.

It grows in blocks. Each block is a LightGBM booster of its own, which starts from the scores that
the blocks before it give, with a seed of its own. So the state of a training is the blocks that are
complete, and one that is resumed after a kill takes the same way as one that was never interrupted.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BLOCK = 100
"""Rounds of one block."""
_SEEDS = 10_000  # of the blocks of one booster
_BOOSTERS = 64  # those of neighbouring settings differ


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows to learn from and to be judged by."""

    table: Array
    """`[n, F]` float32."""
    target: Array
    """`[n]`: 0 or 1, the class, or the number."""
    weights: Array | None
    """`[n]`, or None where all rows weigh 1."""
    held: Array
    """`[n]`: the number of the booster that leaves the row out, or -1 where all learn from it."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a forest grows."""

    parameters: Mapping[str, Any]
    """LightGBM's, but for the seed."""
    categorical: Sequence[int]
    """The columns of the table that are categories."""
    start: Sequence[float]
    """The scores before the first tree, for each output."""
    seed: int
    rounds: int
    """Most trees for each output."""
    patience: int | None
    """Rounds without a better loss of the rows left out before the growth stops; None grows all of
    them, whatever that loss is."""
    minutes: float | None
    checkpoint_minutes: float


class Member:
    """A booster that grows.

    Args:
      plan: how.
      rows: all rows.
      data: the same for LightGBM, so that all boosters share its bins.
      number: which booster it is.
    """

    def __init__(self, plan: Plan, rows: Rows, data: lightgbm.Dataset, number: int) -> None:
        self.blocks: list[str] = []
        """LightGBM's text of each block that is complete."""
        self.held = np.flatnonzero(rows.held == number)
        """The rows that it leaves out."""
        self._plan, self._table, self._number = plan, rows.table, number
        self._seen = np.flatnonzero(rows.held != number)
        parts = [rows for rows in (self._seen, self.held) if len(rows)]
        self._parts = [(rows, data.subset(rows.tolist())) for rows in parts]
        self._scores = np.tile(np.array(plan.start), (len(rows.target), 1))
        weights = np.ones(len(rows.target)) if rows.weights is None else rows.weights
        self.weight = float(weights[self.held].sum())
        """Of the rows that it leaves out, together."""
        self._booster: lightgbm.Booster | None = None

    def open(self) -> None:
        """Begins a block."""
        for rows, data in self._parts:
            scores = self._scores[rows]
            data.construct().set_init_score(scores if scores.shape[1] > 1 else scores[:, 0])
        first = (self._plan.seed * _BOOSTERS + self._number) * _SEEDS
        seed = (first + len(self.blocks)) % (1 << 31)
        (_, train), *others = self._parts
        self._booster = lightgbm.Booster({**self._plan.parameters, "seed": seed}, train)
        for _, held in others:
            self._booster.add_valid(held, "held")

    def grow(self) -> bool:
        """Adds a round to the open block; returns whether a leaf could be split."""
        return not self._open.update()

    def losses(self) -> tuple[float, float | None]:
        """Returns the loss of the rows that it learns from, and of those left out, if there are."""
        booster = self._open
        held = float(booster.eval_valid()[0][2]) if len(self.held) else None
        return float(booster.eval_train()[0][2]), held

    def close(self) -> None:
        """Ends the open block."""
        self.blocks.append(self._open.model_to_string())
        self._booster = None

    def go_on(self) -> None:
        """Adds the last block to the scores: as it is written, so that resuming adds the same."""
        self._scores = self._scores + self._said(len(self.blocks) - 1, self._table, None)

    def outputs(self, rounds: int) -> Array:
        """Returns what it says after so many rounds of the rows that it leaves out, `[h, u]`."""
        said = np.tile(np.array(self._plan.start), (len(self.held), 1))
        for number in range(len(self.blocks)):
            if rounds > BLOCK * number:
                said += self._said(number, self._table[self.held], rounds - BLOCK * number)
        return said

    def dumps(self, rounds: int) -> list[dict[str, Any]]:
        """Returns its blocks as LightGBM dumps them, up to a round."""
        return [
            lightgbm.Booster(model_str=block).dump_model(num_iteration=rounds - BLOCK * number)
            for number, block in enumerate(self.blocks)
            if rounds > BLOCK * number
        ]

    @property
    def _open(self) -> lightgbm.Booster:
        if self._booster is None:
            raise RuntimeError("no block is open")
        return self._booster

    def _said(self, block: int, table: Array, rounds: int | None) -> Array:
        if not len(table):
            return np.zeros((0, len(self._plan.start)))
        booster = lightgbm.Booster(model_str=self.blocks[block])
        threads = self._plan.parameters["num_threads"]
        said = booster.predict(table, raw_score=True, num_iteration=rounds, num_threads=threads)
        return np.reshape(said, (len(table), len(self._plan.start)))
