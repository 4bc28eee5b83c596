"""The loss of each task, of one network or of several members.

Made of `keras.ops` alone, so that it runs on any Keras backend. To add a kind of label, add its
case to `MemberLoss.call`.
"""

from typing import Any

import keras

from beltline.models.features import Task


class MemberLoss(keras.losses.Loss):
    """Cross-entropy or squared error; of several members in training the mean of their losses.

    Each member learns from its own error. The error of their average would leave it open which of
    them corrects it, and they would become alike.
    """

    def __init__(self, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task

    def call(self, target: Any, outputs: Any) -> Any:
        """Returns the loss `[n]` of targets `[n, 1]` and outputs `[n, u]` or `[n, m, u]`."""
        if self.task == "multiclass":
            losses = _log_loss(target, outputs)
        else:
            target = keras.ops.reshape(target, (-1, *[1] * (len(outputs.shape) - 1)))
            errors = keras.ops.square(outputs - target)
            if self.task == "binary":
                errors = keras.ops.softplus(outputs) - target * outputs
            losses = errors[..., 0]
        return losses if len(losses.shape) == 1 else keras.ops.mean(losses, axis=1)


def _log_loss(target: Any, outputs: Any) -> Any:
    classes = keras.ops.one_hot(keras.ops.squeeze(target, 1), outputs.shape[-1])
    if len(outputs.shape) == 3:
        classes = keras.ops.expand_dims(classes, 1)
    return -keras.ops.sum(classes * keras.ops.log_softmax(outputs, axis=-1), axis=-1)
