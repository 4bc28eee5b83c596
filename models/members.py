"""An ensemble in one network: members share most weights and differ in small ones.

TabM (Gorishniy et al., "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling",
ICLR 2025), after BatchEnsemble (Wen et al., ICLR 2020). In training every member has an answer and
a loss of its own; otherwise the answers are averaged, so that whoever calls the network sees one.

Plain layers on `keras.ops`. To average in another way, add a case to `together`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from beltline.models.features import Task


class MemberDense(keras.layers.Layer):
    """A dense layer with shared weights, and scales and biases of each member.

    Args:
      units: its width u.
      members: how many members m.

    The first layer of a network, which all members give the same inputs `[n, f]`, starts with
    other signs of the inputs for each member; the layers after it start alike.
    """

    def __init__(self, units: int, members: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.members = members

    def build(self, shape: Sequence[int | None]) -> None:
        """Makes the weights for inputs `[n, f]` or `[n, m, f]`."""
        width = shape[-1]
        start = _signs if len(shape) == 2 else "ones"
        self.kernel = self.add_weight(
            shape=(width, self.units), initializer="he_normal", name="kernel"
        )
        self.scale_in = self.add_weight(
            shape=(self.members, width), initializer=start, name="scale_in"
        )
        self.scale_out = self.add_weight(
            shape=(self.members, self.units), initializer="ones", name="scale_out"
        )
        self.bias = self.add_weight(
            shape=(self.members, self.units), initializer="zeros", name="bias"
        )

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Maps `[n, f]` or `[n, m, f]` to `[n, m, u]`."""
        if len(x.shape) == 2:
            return self._of_shared(x) + self.bias
        return keras.ops.matmul(x * self.scale_in, self.kernel) * self.scale_out + self.bias

    def _of_shared(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Inputs that all members share times the members' kernels, side by side.

        One product with `m * u` columns; to scale the inputs would make m copies of them.
        """
        scales = keras.ops.expand_dims(keras.ops.transpose(self.scale_in), -1) * self.scale_out
        kernels = keras.ops.expand_dims(self.kernel, 1) * scales
        width = self.members * self.units
        answers = keras.ops.matmul(x, keras.ops.reshape(kernels, (-1, width)))
        return keras.ops.reshape(answers, (-1, self.members, self.units))


class Together(keras.layers.Layer):
    """The members' outputs `[n, m, u]` in training, otherwise their average `[n, u]`."""

    def __init__(self, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task

    def call(self, outputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Averages unless the network is in training."""
        return outputs if training else together(outputs, self.task)


def together(outputs: keras.KerasTensor, task: Task) -> keras.KerasTensor:
    """Returns the members' average: of a regression's outputs, of the probabilities of classes.

    Args:
      outputs: `[n, m, u]`, as `Objective` reads them.
      task: the kind of label.

    Returns:
      `[n, u]` of the same meaning: log-odds, log-shares or the standardised label.
    """
    if task == "regression":
        return keras.ops.mean(outputs, axis=1)
    if task == "binary":
        yes, no = (_mean_log(-keras.ops.softplus(-sign * outputs)) for sign in (1, -1))
        return yes - no
    return _mean_log(keras.ops.log_softmax(outputs, axis=-1))


def _mean_log(logs: keras.KerasTensor) -> keras.KerasTensor:
    """Returns the logarithm of the members' mean, from the members' logarithms."""
    return keras.ops.logsumexp(logs, axis=1) - float(np.log(logs.shape[1]))


def _signs(shape: Sequence[int], dtype: str | None = None) -> keras.KerasTensor:
    return keras.ops.sign(keras.initializers.RandomUniform(-1, 1)(shape, dtype))
