"""What a learner is given, and what it returns.

A learner is a function `(Job, Attempt) -> Learned`: `fitting.fit` for the network,
`trees.learner.fit_trees` for trees. To add one, write its function, and call it in `learners.py`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from beltline.models.checkpoints import Checkpoints
from beltline.models.curves import Curves
from beltline.models.devices import Devices
from beltline.models.job import Job
from beltline.models.recipe import Worth

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One training: with which values, where, for how long, and what it leaves."""

    hyperparameters: Mapping[str, Any]
    devices: Devices
    steps: int | None = None
    """Most optimizer steps, or rounds of trees; None or 0 for no such limit."""
    minutes: float | None = None
    curves: Curves | None = None
    """Logs for TensorBoard."""
    checkpoints: Checkpoints | None = None
    """Where the state of the training is kept, and found to go on with."""
    in_folds: bool = True
    """Whether the network may be several, each of which leaves out a fold."""


@dataclasses.dataclass(frozen=True)
class Learned:
    """A model, and what it says of rows that it did not learn from."""

    model: keras.Model
    """Of the inputs that `network_inputs` describes, to outputs `[n, u]`; float32, one device."""
    validation: Array
    """`[v, u]`: outputs for the validation split; no rows where all were learned from."""
    train: Array | None = None
    """`[t, u]`: outputs for the train split, where parts of the model left out each of its rows."""
    worth: Sequence[Worth] = ()
    """Of each learner, where the model is made of several."""
    lengths: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """How long it learned, as of `Recipe.lengths`."""

    @property
    def outputs(self) -> Array:
        """All of them, `[h, u]`: the train split's first."""
        return self.validation if self.train is None else _joined(self.train, self.validation)

    def labels(self, job: Job) -> Array:
        """Returns the labels of `outputs`, `[h]`."""
        known = job.validation.labels
        return known if self.train is None else _joined(job.train.labels, known)


def _joined(train: Array, validation: Array) -> Array:
    return np.concatenate([train, validation])
