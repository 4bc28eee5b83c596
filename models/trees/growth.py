"""The growth of a forest: block after block of trees, until more of them no longer help.

Each block is a booster of LightGBM's of its own, which starts from the scores that the blocks
before it give, with a seed of its own. So the state of a training is the blocks that are complete,
and one that is resumed after a kill takes the same way as one that was never interrupted.
"""

import dataclasses
import functools
import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from beltline.models.checkpoints import Checkpoints, TrainingState

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

BLOCK = 50
"""Rounds of one block."""
SEEDS = 10_000
"""Seeds of the blocks of one training: those of neighbouring settings differ."""
_EVERY = 50  # rounds, between two lines of the log


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows to learn from, or to validate with."""

    table: Array
    """`[n, F]` float32."""
    target: Array
    """`[n]`: 0 or 1, the class, or the number."""
    weights: Array | None
    """`[n]`, or None where all rows weigh 1."""


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
    patience: int
    """Rounds without a better validation loss before the growth stops."""
    minutes: float | None
    checkpoint_minutes: float


class Growth:
    """A forest that grows.

    Args:
      plan: how.
      train: rows to learn from.
      validation: rows that say when to stop.
      checkpoints: where complete blocks are kept and found; None for nowhere.
    """

    def __init__(
        self, plan: Plan, train: Rows, validation: Rows, checkpoints: Checkpoints | None = None
    ) -> None:
        self.losses: list[tuple[float, float]] = []
        """Of the training and the validation rows, after each round."""
        self.blocks: list[str] = []
        """LightGBM's text of each block."""
        self._plan, self._rows, self._checkpoints = plan, (train, validation), checkpoints
        self._scores = [np.tile(np.array(plan.start), (len(each.target), 1)) for each in self._rows]
        self._used = 0.0
        self._over = False

    @property
    def best(self) -> int:
        """The number of rounds with the lowest validation loss, the earliest of equal ones."""
        return 1 + int(np.argmin([validation for _, validation in self.losses]))

    def run(self) -> list[dict[str, Any]]:
        """Grows until the end; returns the blocks as LightGBM's dumps, up to the best round."""
        self._resume()
        saved = time.monotonic()
        while not self._over:
            self._grow_block()
            due = time.monotonic() - saved >= 60 * self._plan.checkpoint_minutes
            if self._checkpoints and due and not self._over:
                self._checkpoints.save(self._state())
                saved = time.monotonic()
        LOG.info(
            "best of %d rounds: round %d, validation loss %.4f; %.1f s",
            *(len(self.losses), self.best, self.losses[self.best - 1][1], self._used),
        )
        return [
            lightgbm.Booster(model_str=block).dump_model(num_iteration=self.best - BLOCK * number)
            for number, block in enumerate(self.blocks[: math.ceil(self.best / BLOCK)])
        ]

    def _grow_block(self) -> None:
        begun, used = time.monotonic(), self._used
        booster = self._booster()
        while not self._over and booster.current_iteration() < BLOCK:
            # True where no tree was added, since none of its leaves could be split.
            self._over = booster.update() and bool(self.losses)
            if not self._over:
                self._note(float(booster.eval_train()[0][2]), float(booster.eval_valid()[0][2]))
                self._used = used + time.monotonic() - begun
                self._over = self._is_enough()
        self._add(booster.model_to_string())
        self._used = used + time.monotonic() - begun

    def _booster(self) -> lightgbm.Booster:
        """Returns a booster that starts from the scores so far."""
        for data, scores in zip(self._data, self._scores, strict=True):
            data.set_init_score(scores if scores.shape[1] > 1 else scores[:, 0])
        seed = (self._plan.seed * SEEDS + len(self.blocks)) % (1 << 31)
        train, validation = self._data
        booster = lightgbm.Booster({**self._plan.parameters, "seed": seed}, train)
        return booster.add_valid(validation, "validation")

    @functools.cached_property
    def _data(self) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
        train, validation = self._rows
        parameters = dict(self._plan.parameters)
        data = lightgbm.Dataset(
            train.table,
            train.target,
            weight=train.weights,
            categorical_feature=list(self._plan.categorical),
            params=parameters,
        )
        return data, lightgbm.Dataset(
            validation.table,
            validation.target,
            weight=validation.weights,
            reference=data,
            params=parameters,
        )

    def _note(self, loss: float, validation: float) -> None:
        self.losses.append((loss, validation))
        number = len(self.losses)
        if number % _EVERY == 1:
            LOG.info("round %d: loss %.4f, validation %.4f", number, loss, validation)

    def _is_enough(self) -> bool:
        plan, rounds = self._plan, len(self.losses)
        if plan.minutes and self._used >= 60 * plan.minutes:
            LOG.info("`training.minutes: %g` are over", plan.minutes)
            return True
        return rounds >= plan.rounds or rounds - self.best >= plan.patience

    def _add(self, block: str) -> None:
        """Adds a block to the scores: as it is written, so that resuming adds the same."""
        booster = lightgbm.Booster(model_str=block)
        self.blocks.append(block)
        self._scores = [
            scores + np.reshape(booster.predict(rows.table, raw_score=True), scores.shape)
            for scores, rows in zip(self._scores, self._rows, strict=True)
        ]

    def _state(self) -> TrainingState:
        values = {"losses": self.losses, "used": self._used}
        blocks = {
            f"block/{number:04d}": np.frombuffer(block.encode(), "uint8")
            for number, block in enumerate(self.blocks)
        }
        return TrainingState(values, blocks)

    def _resume(self) -> None:
        found = self._checkpoints.load() if self._checkpoints else None
        if found:
            self.losses = [(loss, validation) for loss, validation in found.values["losses"]]
            self._used = found.values["used"]
            LOG.info("resuming an interrupted training after round %d", len(self.losses))
            for name in sorted(found.arrays):
                self._add(found.arrays[name].tobytes().decode())
