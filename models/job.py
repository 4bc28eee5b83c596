"""What training and tuning share: the data, the objective, and a network to fit."""

import dataclasses
import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from beltline.models.config import Config, Learner, Xla
from beltline.models.devices import Devices
from beltline.models.features import Features
from beltline.models.folds import number_of_folds
from beltline.models.objective import Objective, make_objective
from beltline.models.parts import side_by_side, with_folds
from beltline.models.preprocessing import vocabulary_sizes
from beltline.models.reading import Split, read_split
from beltline.models.recipe import Recipe
from beltline.models.schedule import batch_size, make_optimizer

EXTRA_TREES_ROWS = 10_000
"""Up to so many rows of train and validation, extra trees learn beside others."""
_TOGETHER = 16  # most steps that one call of TensorFlow makes, where the setting is `auto`
_EVEN = 8  # what the number of steps in a pass is made a multiple of, for the sake of that


@dataclasses.dataclass(frozen=True)
class Job:
    """A data set and the configuration to train on it."""

    config: Config
    transform: tft.TFTransformOutput
    train: Split
    validation: Split
    objective: Objective
    recipe: Recipe | None = None
    """What an earlier training has found, which this one follows on all rows; None to find it."""
    processes: Any = None
    """Those that hold the rows and train together, see `shared/job.py`; None for this one alone."""
    parts: int = 1
    """Networks side by side; if several, the rows' folds say which one leaves a row out."""

    @property
    def features(self) -> Features:
        """The inputs and the label."""
        return self.config.features

    @property
    def learners(self) -> list[Learner]:
        """The names of those that learn.

        Of more rows, extra trees take as long as the trees, and are worth little beside them.
        """
        if self.recipe and self.recipe.learners:
            return self.recipe.learners
        named = list(self.config.model.learners)
        few = self.judged_rows() <= EXTRA_TREES_ROWS
        return named if few or len(named) == 1 else [n for n in named if n != "extra_trees"]

    def network(self, hyperparameters: Mapping[str, Any]) -> keras.Model:
        """Returns an untrained network, built by the function that the settings name."""
        module, _, name = self.config.model.network_fn.rpartition(".")
        network_fn = getattr(importlib.import_module(module), name)
        sizes = vocabulary_sizes(self.transform, self.features)
        given = {**hyperparameters, "output_bias": self.objective.output_bias}
        parts = [network_fn(self.features, sizes, given) for _ in range(self.parts)]
        return side_by_side(parts) if len(parts) > 1 else parts[0]

    def in_folds(self) -> "Job":
        """Returns the same for a network of which each part leaves out a fold of the rows.

        Train and validation are one then. The same job, where there are no folds.
        """
        splits = [each for each in (self.train, self.validation) if len(each.labels)]
        folds = number_of_folds(self.config.training.folds, self.judged_rows(), "network")
        if folds == 1:
            return self
        whole = with_folds(splits, folds, self.config.training.seed)
        if whole is None:
            return self
        judged = self.validation if self.recipe else whole
        return dataclasses.replace(self, train=whole, validation=judged, parts=folds)

    def judged_rows(self) -> int:
        """Returns the rows of train and validation together, of the judged training in a refit."""
        if self.recipe:
            return self.recipe.train_rows + self.recipe.validation_rows
        return len(self.train.labels) + len(self.validation.labels)

    def compiled(
        self,
        hyperparameters: Mapping[str, Any],
        devices: Devices | None = None,
        together: int = 1,
        steps: int | None = None,
    ) -> keras.Model:
        """Returns an untrained network with its optimizer and its loss.

        Args:
          hyperparameters: the network's and the optimizer's.
          devices: say whether XLA compiles the step; None is without.
          together: steps of one call.
          steps: over which the learning rate rises and falls; None keeps it as it is.
        """
        network = self.network(hyperparameters)
        copies = tf.distribute.get_strategy().num_replicas_in_sync
        network.compile(
            make_optimizer(hyperparameters, steps, copies),
            self.objective.loss(),
            jit_compile=bool(devices and devices.xla),
            steps_per_execution=together,
        )
        # Its variables would come into being in the first step, and that be traced twice.
        network.optimizer.build(network.trainable_variables)
        return network

    def datasets(
        self, devices: Devices, passes: range | None = None
    ) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """Returns the shuffled training split and the validation split, batched for Keras' `fit`.

        With `passes` the first holds all of these passes, one after another: `fit` needs
        `steps_per_epoch` then, and the devices need not wait between two epochs.
        """
        seed, target = self.config.training.seed, self.objective.target
        size = self.rows_per_step(devices)
        validation = self.validation.batches(max(size, 1024), target)
        return self.train.batches(size, target, seed, passes), validation

    def fit(
        self, network: keras.Model, devices: Devices, passes: range, callbacks: Sequence[Any]
    ) -> None:
        """Trains a compiled network by Keras' `fit`, for these passes."""
        train, validation = self.datasets(devices, passes)
        network.fit(
            train,
            validation_data=None if self.recipe else validation,
            initial_epoch=passes.start,
            epochs=passes.stop,
            steps_per_epoch=self.train.steps(self.rows_per_step(devices)),
            callbacks=callbacks,
            # The rows are shuffled already.
            shuffle=False,
            verbose=0,
        )

    def outputs(self, network: keras.Model) -> npt.NDArray[Any]:
        """Returns the network's outputs on the validation split, `[n, u]`."""
        if self.recipe:
            return np.zeros((0, len(self.objective.output_bias)), "float32")
        batches = self.validation.batches(4096, lambda inputs, _: (inputs,))
        return np.concatenate([network(inputs, training=False) for (inputs,) in batches])

    def rows_per_step(self, devices: Devices) -> int:
        """Returns the rows of one step on all devices together."""
        rows, setting = len(self.train.labels), self.config.training.batch_size
        ruling = rows
        if self.recipe:
            ruling = self.judged_rows() if self.parts > 1 else self.recipe.train_rows
        size = batch_size(setting, ruling) * devices.replicas
        if setting != "auto":
            return size
        # A few rows less per step, so that steps can be taken together.
        steps = math.ceil(rows / size)
        return math.ceil(rows / (steps + -steps % _EVEN)) if steps > _EVEN else size

    def steps_together(self, devices: Devices, limit: int | None = None) -> int:
        """Returns `steps_per_execution`: it divides the steps of an epoch, and the limit.

        Several copies take one at a time: Keras' loop around steps fails under MirroredStrategy
        (Keras 3.15, TensorFlow 2.21: a placeholder that nothing feeds).

        Args:
          devices: where the steps are made.
          limit: most steps in all, or None.
        """
        if devices.replicas > 1:
            return 1
        setting = self.config.training.steps_per_execution
        most = _TOGETHER if setting == "auto" else int(setting)
        whole = math.gcd(self.train.steps(self.rows_per_step(devices)), limit or 0)
        return max(size for size in range(1, most + 1) if whole % size == 0)


def prepare(
    config: Config,
    train_files: Sequence[str],
    validation_files: Sequence[str],
    transform_graph: str,
    recipe: Recipe | None = None,
) -> Job:
    """Seeds everything random and reads the data.

    Args:
      config: what the pipeline passes to the component.
      train_files: patterns of gzipped, transformed TFRecords.
      validation_files: the same for the validation split; none with a recipe.
      transform_graph: folder of TF Transform's output.
      recipe: what an earlier training has found.

    Raises:
      ValueError: a split is empty or, for a classification, has one class only.
    """
    features, training = config.features, config.training
    make_repeatable(training.seed, training.xla)
    transform = tft.TFTransformOutput(transform_graph)
    train = read_split(train_files, transform, features)
    validation = read_split(validation_files, transform, features)
    check_labels("train", train, features)
    if recipe is None:
        check_labels("validation", validation, features)
    objective = make_objective(train.labels, features, training.imbalance)
    return Job(config, transform, train, validation, objective, recipe)


def make_repeatable(seed: int, xla: Xla = "off") -> None:
    """Seeds everything and makes operations deterministic: a seed gives identical weights.

    With XLA `on` only the seed is set: Keras refuses XLA where operations must be deterministic.
    """
    keras.utils.set_random_seed(seed)
    if xla != "on":
        tf.config.experimental.enable_op_determinism()


def check_labels(name: str, split: Split, features: Features) -> None:
    """Raises a ValueError if nothing can be learned from, or judged by, this split."""
    if not len(split.labels):
        raise ValueError(f"the {name} split has no row with a known '{features.label}'")
    if features.task != "regression" and len(np.unique(split.labels)) == 1:
        only = features.classes[int(split.labels[0])]
        raise ValueError(f"'{features.label}' is '{only}' in every row of the {name} split")
