"""Logs the progress of a training, and ends it when the loss diverges."""

import logging
import math
import time
from typing import Any

import keras

LOG = logging.getLogger("beltline.trainer")


class Progress(keras.callbacks.Callback):
    """Logs the first epoch, every fifth, and the best one; stops at a loss that isn't a number.

    Raises:
      ValueError: in `on_epoch_end`, when a loss is NaN or infinite.
    """

    remembered = ("best", "epochs", "steps", "best_steps")

    def __init__(self, every: int = 5) -> None:
        super().__init__()
        self.every = every
        self.started = 0.0
        self.best: list[float] = [math.inf, 0]
        self.epochs = 0
        self.steps = 0
        self.best_steps = 0
        """Until the best epoch was over; all of them where no row tells which one is the best."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the steps; Keras calls once for all steps of one execution."""
        self.steps += self.model.steps_per_execution

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks and reports the losses of one epoch."""
        given = logs or {}
        losses = {name: float(given[name]) for name in ("loss", "val_loss") if name in given}
        for name, value in losses.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"{name} is {value} in epoch {epoch + 1}: a lower `training.learning_rate` "
                    "may help; else look for extreme values in the label"
                )
        self.epochs = epoch + 1
        validation = losses.get("val_loss")
        if validation is None or validation < self.best[0]:
            self.best_steps = self.steps
        if validation is not None:
            self.best = min(self.best, [validation, self.epochs])
        if epoch % self.every == 0:
            told = [f"loss {losses['loss']:.4f}"]
            told += [] if validation is None else [f"validation {validation:.4f}"]
            LOG.info("epoch %d: %s", self.epochs, ", ".join(told))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Reports the best epoch and the time."""
        seconds, (loss, epoch) = time.monotonic() - self.started, self.best
        if epoch:
            said = f"best of {self.epochs} epochs: epoch {epoch}, validation loss {loss:.4f}"
        else:
            said = f"{self.epochs} epochs, as long as the judged training until its best"
        LOG.info("%s; %.1f s", said, seconds)
