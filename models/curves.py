"""The curves of a training for TensorBoard: losses, learning rate and hyperparameters.

Written into the Trainer's output `model_run`: `train` and `validation` are two runs of the same
curve, so that TensorBoard lays one over the other. To log another metric, add it to `_write`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams


class Curves(keras.callbacks.Callback):
    """Writes one point of each curve per epoch.

    Args:
      folder: where to write; created if missing.
      hyperparameters: shown beside the curves.
    """

    remembered = ("points",)

    def __init__(self, folder: str, hyperparameters: Mapping[str, Any]):
        super().__init__()
        self._folder = folder
        self._hyperparameters = {
            name: value if isinstance(value, bool | int | float) else str(value)
            for name, value in hyperparameters.items()
        }
        self._writers: dict[str, Any] = {}
        self.points: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Opens the files, with what an interrupted training had written."""
        if not self._writers:
            self._open()
            for number, point in enumerate(self.points):
                self._write(number, point)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes the losses and the learning rate of one epoch."""
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        given = logs or {}
        losses = {name: float(given[name]) for name in ("loss", "val_loss") if name in given}
        self.points.append({**losses, "learning_rate": rate})
        self._write(epoch, self.points[-1])
        self._flush()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()

    def write_all(self, losses: Sequence[tuple[float, float | None]], learning_rate: float) -> None:
        """Writes the whole curve of a training that isn't Keras' `fit`.

        Args:
          losses: of the training and the validation rows, for each point; None where there are
            no validation rows.
          learning_rate: the same for all of them.
        """
        self.points = [
            {"loss": loss, "learning_rate": learning_rate}
            | ({} if validation is None else {"val_loss": validation})
            for loss, validation in losses
        ]
        self._open()
        for number, point in enumerate(self.points):
            self._write(number, point)
        self.on_train_end()

    def part(self, name: str) -> "Curves":
        """Returns curves of one learner, beside those of others."""
        return Curves(f"{self._folder}/{name}", self._hyperparameters)

    def _open(self) -> None:
        for name in ("train", "validation"):
            self._writers[name] = tf.summary.create_file_writer(f"{self._folder}/{name}")
        with self._writers["train"].as_default():
            hparams.hparams(self._hyperparameters)

    def _write(self, epoch: int, point: Mapping[str, float]) -> None:
        with self._writers["train"].as_default(step=epoch + 1):
            tf.summary.scalar("loss", point["loss"])
            tf.summary.scalar("learning_rate", point["learning_rate"])
        if "val_loss" in point:
            with self._writers["validation"].as_default(step=epoch + 1):
                tf.summary.scalar("loss", point["val_loss"])

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()
