"""How many rows make a step, how many passes a training, and how fast each step learns.

These are the rules behind `auto` in the settings, and the learning rate's course. To change one,
change its function; to learn at other rates, return another Keras schedule from `learning_rates`.
"""

import math
from typing import Any

import keras

from beltline.models.config import Auto

EPOCHS = 16
"""Passes over the training rows, where the setting is `auto`."""
FEWEST_STEPS = 100
"""Of a whole training, where the setting is `auto`."""

_RISING = 0.05  # of the steps have a learning rate that still rises


def learning_rates(highest: float, steps: int | None) -> Any:
    """The learning rate of each step: rises at first, then falls to 0 along half a cosine.

    What is learned at a high rate is rough, and what little rows can teach is soon learned by
    heart; a rate that falls to 0 smooths the one before the other begins (Loshchilov and Hutter,
    "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017).

    Args:
      highest: the rate at its highest.
      steps: of the whole training; None for the same rate always.
    """
    if not steps:
        return highest
    rising = max(1, round(_RISING * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=highest, warmup_steps=rising
    )


def epochs(setting: int | Auto, steps: int) -> int:
    """Passes over the training rows; `auto` is 16, or as many as `FEWEST_STEPS` take.

    Args:
      setting: `training.epochs`.
      steps: of one pass.
    """
    return max(EPOCHS, math.ceil(FEWEST_STEPS / steps)) if setting == "auto" else int(setting)


def batch_size(setting: int | Auto, rows: int) -> int:
    """Rows per step for one device; `auto` is a power of two, about a hundredth of the rows."""
    if setting != "auto":
        return int(setting)
    return int(min(4096, max(32, 2 ** round(math.log2(max(1, rows / 100))))))
