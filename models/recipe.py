"""What a training found on rows that it did not learn from, so that none is needed the next time.

It is exported with the model. A refit (`training.refit`) trains the same once more on all rows: as
long as the judged training found best, in proportion to the rows, and with the weights, the
temperature and the threshold that were judged. It decides nothing by itself. To keep something else
for it, add a field here.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence

import tensorflow as tf

from beltline.models.config import Learner

FILE = "assets.extra/recipe.json"


@dataclasses.dataclass(frozen=True)
class Worth:
    """What a learner was worth."""

    learner: Learner
    weight: float
    """Of its outputs in the model; 0 for one that is not part of it."""
    loss: float
    """Of the rows that decide about the weights."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What was found, and on how many rows."""

    train_rows: int
    validation_rows: int
    lengths: Mapping[str, float]
    """`passes` over the rows until the network was best, and `planned_passes` over which its
    learning rate falls; `rounds` until the trees were best, and `extra_rounds` until the
    `extra_trees` were."""
    worth: Sequence[Worth]
    """Of each learner, where there are several."""
    temperature: float
    threshold: float | None

    @property
    def learners(self) -> list[Learner]:
        """The learners that the model was made of, where there are several."""
        return [each.learner for each in self.worth if each.weight]


def write_recipe(model: str, recipe: Recipe) -> None:
    """Writes the recipe beside a SavedModel, into its `assets.extra`."""
    with tf.io.gfile.GFile(f"{model}/{FILE}", "w") as file:
        json.dump(dataclasses.asdict(recipe), file)


def read_recipe(model: str) -> Recipe:
    """Returns the recipe of a SavedModel.

    Raises:
      ValueError: it has none, as one that another `model.run_fn` has exported.
    """
    if not tf.io.gfile.exists(f"{model}/{FILE}"):
        raise ValueError(
            f"{model} has no {FILE}, which a refit follows: a `model.run_fn` of your own that "
            "exports its model in another way must train the refit in its own way, too"
        )
    with tf.io.gfile.GFile(f"{model}/{FILE}") as file:
        values = json.load(file)
    return Recipe(**{**values, "worth": [Worth(**each) for each in values["worth"]]})
