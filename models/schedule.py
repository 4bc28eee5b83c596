"""How many rows make a step, how many passes a training, and how and how fast each step learns.

These are the rules behind `auto` in the settings, and the learning rate's course. To change one,
change its function; to learn at other rates, return another Keras schedule from `learning_rates`.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras

from beltline.models.config import Auto

EPOCHS = 16
"""Passes over the training rows, where the setting is `auto`."""
FEWEST_STEPS = 100
"""Of a whole training, where the setting is `auto`."""
ENOUGH_ROWS = 840_000
"""Of all passes together: a large table has fewer passes, where the setting is `auto`."""
ENOUGH_STEPS = 800
"""Of those fewer passes, at least."""

_RISING = 0.05  # of the steps have a learning rate that still rises


def make_optimizer(hyperparameters: Mapping[str, Any], steps: int | None, copies: int = 1) -> Any:
    """Returns AdamW, which decays the kernels and embeddings alone.

    The learning rate grows with the square root of the copies, since so grows the batch: the rule
    for Adam and its kin (Malladi et al., "On the SDEs and Scaling Rules for Adaptive Gradient
    Algorithms", NeurIPS 2022).

    Args:
      hyperparameters: `learning_rate` and `weight_decay`.
      steps: as of `learning_rates`.
      copies: of the network that are trained in step.
    """
    rates = learning_rates(hyperparameters["learning_rate"] * math.sqrt(copies), steps)
    optimizer = keras.optimizers.AdamW(rates, weight_decay=hyperparameters["weight_decay"])
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "scale"])
    return optimizer


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


def epochs(setting: int | Auto, steps: int, rows: int) -> int:
    """Returns the number of epochs.

    `auto` is 16; more where they have too few steps, and fewer where the table is large.

    Args:
      setting: `training.epochs`.
      steps: of one pass.
      rows: of one pass.
    """
    if setting != "auto":
        return setting
    enough = max(ENOUGH_ROWS // rows, math.ceil(ENOUGH_STEPS / steps))
    return max(min(EPOCHS, enough), math.ceil(FEWEST_STEPS / steps))


def patience(setting: int, epochs_setting: int | Auto, most: int) -> int:
    """Returns the epochs without a better one after which a training stops.

    Args:
      setting: `training.patience`.
      epochs_setting: `training.epochs`; where it is `auto`, half of the epochs are enough.
      most: how many epochs that are.
    """
    return min(setting, max(2, most // 2)) if epochs_setting == "auto" else setting


def batch_size(setting: int | Auto, rows: int) -> int:
    """Returns the rows per step and device; `auto` is a power of two, about 1 % of the rows."""
    if setting != "auto":
        return int(setting)
    return int(min(4096, max(32, 2 ** round(math.log2(max(1, rows / 100))))))
