"""The objective of the training for each task.

An `Objective` holds what follows from the training labels: the initial outputs, the class weights,
and the scale of a regression label. To add a kind of label, add its case to each method.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from beltline.models.config import Imbalance
from beltline.models.features import Features, Task
from beltline.models.loss import MemberLoss

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Objective:
    """The loss and the scale of the label."""

    task: Task
    output_bias: tuple[float, ...]
    """Initial outputs: the classes' log-odds or log-shares; 0 for a regression."""
    class_weights: tuple[float, ...] | None = None
    """Weight of a row by its class, or None where all rows weigh 1."""
    mean: float = 0.0
    scale: float = 1.0
    """A regression learns `(label - mean) / scale`, in the label's unit."""
    temperature: float = 1.0
    """Divides a classification's outputs, see `calibration.py`."""

    def loss(self) -> keras.losses.Loss:
        """Returns the loss of the raw outputs `[n, u]`, or of the members' `[n, m, u]`."""
        return MemberLoss(self.task)

    def target(self, inputs: Any, labels: tf.Tensor) -> tuple[Any, ...]:
        """Returns `(inputs, target [n, 1])`, and row weights `[n]` where classes have weights."""
        column = tf.expand_dims(labels, 1)
        if self.task == "regression":
            return inputs, (column - self.mean) / self.scale
        if self.task == "binary":
            column = tf.cast(column, tf.float32)
        if self.class_weights is None:
            return inputs, column
        return inputs, column, tf.gather(tf.constant(self.class_weights, tf.float32), labels)

    def losses(self, outputs: Array, labels: Array) -> Array:
        """Returns the loss of each row, `[n]`, times its weight.

        Args:
          outputs: `[n, u]`.
          labels: `[n]`.
        """
        _, target, *weights = self.target(None, tf.constant(labels))
        losses: Array = self.loss().call(target, tf.constant(outputs, tf.float32)).numpy()
        return losses * weights[0].numpy() if weights else losses

    def prediction(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns outputs `[n, u]` as probabilities, or in the label's unit; same shape."""
        if self.task == "binary":
            return tf.sigmoid(outputs / self.temperature)
        if self.task == "multiclass":
            return tf.nn.softmax(outputs / self.temperature)
        return outputs * self.scale + self.mean


def make_objective(labels: Array, features: Features, imbalance: Imbalance) -> Objective:
    """Returns the objective for these training labels.

    Args:
      labels: `[n]`, at least one.
      features: the kind of label and its classes.
      imbalance: `prior` starts from the classes' shares; `balanced` gives every class the same
        total weight and starts from equal shares.
    """
    if features.task == "regression":
        spread = float(np.std(labels.astype("float64")))
        mean = float(np.mean(labels.astype("float64")))
        return Objective(features.task, (0.0,), mean=mean, scale=spread or 1.0)
    counts = np.bincount(labels, minlength=len(features.classes))
    units = 1 if features.task == "binary" else len(counts)
    if imbalance == "balanced":
        seen = np.maximum(counts, 1) * np.count_nonzero(counts)
        weights = tuple(float(weight) for weight in len(labels) / seen)
        return Objective(features.task, (0.0,) * units, weights)
    # A class that is absent from the training rows counts as half a row.
    logs = np.log(np.maximum(counts, 0.5) / len(labels))
    bias = [logs[1] - logs[0]] if units == 1 else logs
    return Objective(features.task, tuple(float(value) for value in bias))
