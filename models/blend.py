"""Several learners as one model: the weighted mean of their outputs.

Outputs are log-odds, log-shares or the standardised label, so that the mean is one of log-odds, or
of values. The weights are those with the lowest loss on rows that no learner has learned from. A
learner whose share would be chance gets the weight 0, and is not part of the model.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from scipy import optimize

from beltline.models.config import Learner
from beltline.models.job import Job
from beltline.models.learned import Learned
from beltline.models.objective import Objective
from beltline.models.recipe import Worth

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

LEAST = 0.05
"""A smaller weight counts as none: the learner's time is not worth it."""
PRIOR = 20
"""So many rows speak for equal weights: a handful of rows can't tell which learner is better."""


class Blend(keras.layers.Layer):
    """Maps outputs `[n, u]` of several models to their weighted sum `[n, u]`.

    Args:
      weights: one for each model.
    """

    def __init__(self, weights: Sequence[float], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self._weights = weights

    def call(self, outputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """Adds them up."""
        parts = [each * weight for each, weight in zip(outputs, self._weights, strict=True)]
        return sum(parts[1:], parts[0])


def blended(learned: Mapping[Learner, Learned], job: Job) -> Learned:
    """Returns the learners as one, and what each is worth.

    Args:
      learned: by the learner's name; two of them.
      job: whose labels decide, or whose recipe has the weights.
    """
    models = [each.model for each in learned.values()]
    common = _on_the_same_rows(list(learned.values()))
    worth = job.recipe.worth if job.recipe else _weighed(list(learned), common, job)
    weights = [each.weight for each in worth]
    lengths = {name: value for each in common for name, value in each.lengths.items()}
    used = [each.learner for each in worth if each.weight]
    if len(used) == 1:
        return dataclasses.replace(learned[used[0]], worth=worth)
    inputs = models[0].input
    model = keras.Model(inputs, Blend(weights, name="blend")([each(inputs) for each in models]))
    trained = [each.train for each in common if each.train is not None]
    return Learned(
        model=model,
        validation=_sum([each.validation for each in common], weights),
        train=_sum(trained, weights) if trained else None,
        worth=worth,
        lengths=lengths,
    )


def _weighed(names: Sequence[Learner], common: Sequence[Learned], job: Job) -> list[Worth]:
    """Returns what each is worth, and logs it."""
    outputs, labels = [each.outputs for each in common], common[0].labels(job)
    weights = weights_of(outputs, job.objective, labels)
    losses = [float(job.objective.losses(each, labels).mean()) for each in outputs]
    worth = [Worth(*each) for each in zip(names, weights, losses, strict=True)]
    LOG.info(
        "%s; together %.4f, validation loss of %s rows",
        ", ".join(f"{each.learner} {each.loss:.4f}, weight {each.weight:.2f}" for each in worth),
        *(job.objective.losses(_sum(outputs, weights), labels).mean(), f"{len(labels):,}"),
    )
    return worth


def weights_of(outputs: Sequence[Array], objective: Objective, labels: Array) -> list[float]:
    """Returns the weights of two learners, whose sum is 1.

    Args:
      outputs: `[n, u]` of each, for rows that neither learned from.
      objective: says what the loss is.
      labels: `[n]`.
    """

    def loss(weight: float) -> float:
        return float(objective.losses(_sum(outputs, [weight, 1 - weight]), labels).mean())

    def doubted(weight: float) -> float:
        return loss(weight) + apart * (2 * weight - 1) ** 2

    apart = PRIOR / len(labels) * min(loss(0), loss(1))
    # The loss is convex in the weight.
    found = optimize.minimize_scalar(doubted, bounds=(0, 1), method="bounded")
    weight = round(float(found.x), 2)
    weight = 0.0 if weight < LEAST else 1.0 if weight > 1 - LEAST else weight
    return [weight, round(1 - weight, 2)]


def _on_the_same_rows(learned: Sequence[Learned]) -> list[Learned]:
    if all(each.train is not None for each in learned):
        return list(learned)
    return [dataclasses.replace(each, train=None) for each in learned]


def _sum(outputs: Sequence[Array], weights: Sequence[float]) -> Array:
    return np.sum([each * weight for each, weight in zip(outputs, weights, strict=True)], axis=0)
