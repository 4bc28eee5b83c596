"""Temperature scaling of a classifier's outputs, so that its probabilities are calibrated.

A network that was trained for long is often overconfident: its ranking is right and its
probabilities are not (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). Dividing
the outputs by one number changes no order and, for two classes, no AUC. It is fitted on the
validation rows, and kept only where it helps on held-out ones.

To calibrate in another way, change `Objective.prediction`, which the exported model calls, and
what is fitted here.
"""

import dataclasses
import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.objective import Objective

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

FOLDS = 5
FEWEST = 100
"""On fewer rows, often without an error among them, any temperature would be a guess."""
STEPS = 30
CLOSE = 1e-8
"""A step of this share of the factor is the last one."""
SHARPEST = 4.0
"""The outputs are multiplied by this at most, and by its inverse at least."""


def calibrated(objective: Objective, outputs: Array, labels: Array) -> Objective:
    """Returns the objective with a temperature, if that helps, and logs it.

    Args:
      objective: without one.
      outputs: `[n, u]` for rows that the model did not learn from.
      labels: theirs, `[n]`.
    """
    if objective.task == "regression":
        return objective
    found = with_temperature(objective, outputs, labels)
    if found.temperature != 1:
        LOG.info("temperature %.3f for the probabilities", found.temperature)
    return found


def with_temperature(objective: Objective, outputs: Array, labels: Array) -> Objective:
    """Returns the objective with a temperature, or unchanged where none helps."""
    weights = np.ones(len(labels))
    if objective.class_weights is not None:
        weights = np.asarray(objective.class_weights)[labels]
    logits = class_logits(outputs)
    if not helps(logits, labels, weights):
        return objective
    return dataclasses.replace(objective, temperature=1 / sharpness(logits, labels, weights))


def class_logits(outputs: Array) -> Array:
    """Returns outputs `[n, u]` as logits `[n, classes]` of every class, float64."""
    logits = outputs.astype("float64")
    return (
        np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits
    )


def helps(logits: Array, labels: Array, weights: Array) -> bool:
    """Returns whether a temperature lowers the log loss of held-out rows.

    By more than the standard error of the mean: on a handful of rows chance would decide.

    Args:
      logits: `[n, classes]`.
      labels: `[n]`, indices of classes.
      weights: `[n]`.
    """
    if len(labels) < FEWEST:
        return False
    gains = np.zeros(len(labels))
    fold = np.arange(len(labels)) % FOLDS
    for each in range(FOLDS):
        seen, held = fold != each, fold == each
        found = sharpness(logits[seen], labels[seen], weights[seen])
        before, after = (_losses(logits[held] * by, labels[held]) for by in (1.0, found))
        gains[held] = weights[held] * (before - after)
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


def sharpness(logits: Array, labels: Array, weights: Array) -> float:
    """Returns what to multiply the logits by for the lowest log loss, by Newton's method.

    The loss is convex in it. Arguments as of `helps`.
    """
    by = 1.0
    for _ in range(STEPS):
        shares = _shares(logits * by)
        mean = (shares * logits).sum(axis=1)
        slope = weights @ (mean - logits[np.arange(len(labels)), labels])
        curve = weights @ ((shares * logits**2).sum(axis=1) - mean**2)
        before = by
        by = float(np.clip(by - slope / max(curve, 1e-12), by / 2, by * 2))
        by = min(max(by, 1 / SHARPEST), SHARPEST)
        # The next step would be about the square of this one.
        if abs(by - before) < CLOSE * by:
            break
    return by


def _losses(logits: Array, labels: Array) -> Array:
    return -np.log(np.maximum(_shares(logits)[np.arange(len(labels)), labels], 1e-300))


def _shares(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
