"""What the network is trained towards, for each kind of label.

An `Objective` holds what the training labels say: where the outputs start, how much each class
weighs, and how a regression label is scaled. To add a kind of label, add its case to each method.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.features import Features, Task

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

    def loss(self) -> keras.losses.Loss:
        """The loss of the network's raw outputs."""
        if self.task == "binary":
            return keras.losses.BinaryCrossentropy(from_logits=True)
        if self.task == "multiclass":
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return keras.losses.MeanSquaredError()

    def target(self, inputs: Any, labels: tf.Tensor) -> tuple[Any, ...]:
        """`(inputs, target [n, 1])`, and the rows' weights `[n]` where classes have weights."""
        column = tf.expand_dims(labels, 1)
        if self.task == "regression":
            return inputs, (column - self.mean) / self.scale
        if self.task == "binary":
            column = tf.cast(column, tf.float32)
        if self.class_weights is None:
            return inputs, column
        return inputs, column, tf.gather(tf.constant(self.class_weights, tf.float32), labels)

    def prediction(self, outputs: tf.Tensor) -> tf.Tensor:
        """Outputs `[n, u]` as probabilities, or as values in the label's unit; same shape."""
        if self.task == "binary":
            return tf.sigmoid(outputs)
        if self.task == "multiclass":
            return tf.nn.softmax(outputs)
        return outputs * self.scale + self.mean


def make_objective(labels: Array, features: Features, imbalance: str) -> Objective:
    """The objective for these training labels.

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
