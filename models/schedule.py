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
    """Returns the learning rate schedule: a warm-up, then a cosine decay to 0.

    A high rate gives rough weights, and a long training overfits; decaying the rate to 0 smooths
    the weights before that (Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017).

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
    """Returns the number of epochs; `auto` is 16, or more where they have too few steps.

    Args:
      setting: `training.epochs`.
      steps: of one pass.
    """
    return max(EPOCHS, math.ceil(FEWEST_STEPS / steps)) if setting == "auto" else int(setting)


def batch_size(setting: int | Auto, rows: int) -> int:
    """Returns the rows per step and device; `auto` is a power of two, about 1 % of the rows."""
    if setting != "auto":
        return int(setting)
    return int(min(4096, max(32, 2 ** round(math.log2(max(1, rows / 100))))))
