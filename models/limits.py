"""Limits that end a training early: a number of steps, or minutes.

The epoch that one of them cuts short is still validated, and the best epoch's weights are kept. For
another limit, write a callback that sets `stop_training`, and add it in `training.callbacks`.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

import keras

LOG = logging.getLogger("beltline.trainer")


class StepLimit(keras.callbacks.Callback):
    """Stops the training after a number of steps."""

    remembered = ("left",)

    def __init__(self, steps: int):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Counts the steps; Keras calls once for all steps of one execution."""
        self.left -= self.model.steps_per_execution
        if self.left <= 0:
            self.model.stop_training = True


class TimeLimit(keras.callbacks.Callback):
    """Stops the training when its time is up, at the end of a step.

    The time before an interruption counts, too; reading the data and the export don't.
    """

    remembered = ("used",)

    def __init__(self, minutes: float):
        super().__init__()
        self.minutes = minutes
        self.used = 0.0
        self._seen = 0.0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._seen = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Stops where the time is up."""
        self._count()
        if self.used >= 60 * self.minutes and not self.model.stop_training:
            LOG.info(
                "%g minutes (`training.minutes`) are over: this epoch is the last", self.minutes
            )
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Counts the validation."""
        self._count()

    def _count(self) -> None:
        now = time.monotonic()
        self.used += now - self._seen
        self._seen = now
