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
      learned: by the learner's name; at least two of them.
      job: whose labels decide, or whose recipe has the weights.
    """
    common = _on_the_same_rows(list(learned.values()))
    worth = job.recipe.worth if job.recipe else _weighed(list(learned), common, job)
    weights = [each.weight for each in worth]
    lengths = {name: value for each in common for name, value in each.lengths.items()}
    used = [each.learner for each in worth if each.weight]
    if len(used) == 1:
        return dataclasses.replace(learned[used[0]], worth=worth)
    models = [learned[name].model for name in used]
    shares = Blend([each for each in weights if each], name="blend")
    inputs = models[0].input
    model = keras.Model(inputs, shares([each(inputs) for each in models]))
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
    """Returns the learners' weights, whose sum is 1.

    Args:
      outputs: `[n, u]` of each, for rows that none of them learned from.
      objective: says what the loss is.
      labels: `[n]`.
    """
    every = list(range(len(outputs)))
    while True:
        lowest = _lowest([outputs[each] for each in every], objective, labels)
        found = dict(zip(every, lowest, strict=True))
        used = [each for each in every if found[each] >= LEAST]
        if used == every:
            return _rounded([found.get(each, 0.0) for each in range(len(outputs))])
        every = used


def _lowest(outputs: Sequence[Array], objective: Objective, labels: Array) -> list[float]:
    """Returns the weights with the lowest loss, as far as the rows can tell."""
    count = len(outputs)
    if count == 1:
        return [1.0]

    def loss(weights: Sequence[float]) -> float:
        return float(objective.losses(_sum(outputs, weights), labels).mean())

    def doubted(first: Array) -> float:
        weights = [*first, 1 - sum(first)]
        return loss(weights) + apart * sum((count * each - 1) ** 2 for each in weights) / count

    apart = PRIOR / len(labels) * min(loss(alone) for alone in np.eye(count).tolist())
    # The loss is convex in the weights.
    found = optimize.minimize(
        doubted,
        [1 / count] * (count - 1),
        method="SLSQP",
        bounds=[(0, 1)] * (count - 1),
        constraints={"type": "ineq", "fun": lambda first: 1 - sum(first)},
        # Losses are of float32, so that a smaller step would see nothing but rounding.
        options={"eps": 1e-3, "ftol": 1e-9},
    )
    return [*map(float, found.x), 1 - float(sum(found.x))]


def _rounded(weights: Sequence[float]) -> list[float]:
    """Returns weights of two digits, whose sum is 1 still."""
    rounded = [round(each, 2) for each in weights]
    largest = int(np.argmax(rounded))
    rounded[largest] = round(rounded[largest] + 1 - sum(rounded), 2)
    return rounded


def _on_the_same_rows(learned: Sequence[Learned]) -> list[Learned]:
    if all(each.train is not None for each in learned):
        return list(learned)
    return [dataclasses.replace(each, train=None) for each in learned]


def _sum(outputs: Sequence[Array], weights: Sequence[float]) -> Array:
    return np.sum([each * weight for each, weight in zip(outputs, weights, strict=True)], axis=0)
