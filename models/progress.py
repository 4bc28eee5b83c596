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

    remembered = ("best", "epochs")

    def __init__(self, every: int = 5) -> None:
        super().__init__()
        self.every = every
        self.started = 0.0
        self.best: list[float] = [math.inf, 0]
        self.epochs = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks and reports the losses of one epoch."""
        losses = {name: float((logs or {})[name]) for name in ("loss", "val_loss")}
        for name, value in losses.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"{name} is {value} in epoch {epoch + 1}: a lower `training.learning_rate` "
                    "may help; else look for extreme values in the label"
                )
        self.epochs = epoch + 1
        self.best = min(self.best, [losses["val_loss"], self.epochs])
        if epoch % self.every == 0:
            LOG.info(
                "epoch %d: loss %.4f, validation %.4f",
                self.epochs,
                losses["loss"],
                losses["val_loss"],
            )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Reports the best epoch and the time."""
        LOG.info(
            "best of %d epochs: epoch %d, validation loss %.4f; %.1f s",
            self.epochs,
            self.best[1],
            self.best[0],
            time.monotonic() - self.started,
        )
