"""Everything that training and tuning have in common: data, objective, and a network to fit."""

import dataclasses
import importlib
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models.devices import Devices
from models.features import Features, from_config
from models.objective import Objective, make_objective
from models.preprocessing import vocabulary_sizes
from models.reading import Split, read_split

LOG = logging.getLogger("beltline.trainer")


@dataclasses.dataclass(frozen=True)
class Job:
    """A data set and the settings to learn from it."""

    custom_config: Mapping[str, Any]
    features: Features
    transform: tft.TFTransformOutput
    train: Split
    validation: Split
    objective: Objective

    @property
    def training(self) -> Mapping[str, Any]:
        """The settings' section `training`."""
        return self.custom_config["training"]

    def network(self, hyperparameters: Mapping[str, Any]) -> keras.Model:
        """An untrained network, built by the function that the settings name."""
        module, _, name = self.custom_config["model"]["network_fn"].rpartition(".")
        network_fn = getattr(importlib.import_module(module), name)
        sizes = vocabulary_sizes(self.transform, self.features)
        start = {"output_bias": self.objective.output_bias}
        return network_fn(self.features, sizes, {**hyperparameters, **start})

    def compiled(self, hyperparameters: Mapping[str, Any]) -> keras.Model:
        """An untrained network with its optimizer and its loss."""
        network = self.network(hyperparameters)
        optimizer = keras.optimizers.AdamW(
            hyperparameters["learning_rate"], weight_decay=hyperparameters["weight_decay"]
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "scale"])
        network.compile(optimizer, self.objective.loss(), jit_compile=False)
        return network

    def datasets(self, devices: Devices) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """The training split, shuffled, and the validation split, in batches for Keras' `fit`."""
        rows = len(self.train.labels)
        size = batch_size(self.training["batch_size"], rows) * devices.replicas
        LOG.info(
            "%s rows to learn from, %s to validate, %s per step",
            *(f"{number:,}" for number in (rows, len(self.validation.labels), size)),
        )
        seed, target = self.training["seed"], self.objective.target
        validation = self.validation.batches(max(size, 1024), target)
        return self.train.batches(size, target, seed), validation


def prepare(
    custom_config: Mapping[str, Any],
    train_files: Sequence[str],
    validation_files: Sequence[str],
    transform_graph: str,
) -> Job:
    """Seeds everything random and reads the data.

    Args:
      custom_config: what the pipeline passes to the component.
      train_files: patterns of gzipped, transformed TFRecords.
      validation_files: the same for the validation split.
      transform_graph: folder of TF Transform's output.

    Raises:
      ValueError: a split is empty or, for a classification, has one class only.
    """
    features = from_config(custom_config)
    training = custom_config["training"]
    make_repeatable(training["seed"])
    transform = tft.TFTransformOutput(transform_graph)
    train = read_split(train_files, transform, features)
    validation = read_split(validation_files, transform, features)
    for name, split in (("train", train), ("validation", validation)):
        check_labels(name, split, features)
    objective = make_objective(train.labels, features, training["imbalance"])
    return Job(custom_config, features, transform, train, validation, objective)


def make_repeatable(seed: int) -> None:
    """The same seed gives the same weights on the same machine, at some cost in speed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def check_labels(name: str, split: Split, features: Features) -> None:
    """Raises a ValueError if nothing can be learned from, or judged by, this split."""
    if not len(split.labels):
        raise ValueError(f"the {name} split has no row with a known '{features.label}'")
    if features.task != "regression" and len(np.unique(split.labels)) == 1:
        only = features.classes[int(split.labels[0])]
        raise ValueError(f"'{features.label}' is '{only}' in every row of the {name} split")


def batch_size(setting: int | str, rows: int) -> int:
    """Rows per step for one device; `auto` is a power of two, about a hundredth of the rows."""
    if setting != "auto":
        return int(setting)
    return int(min(4096, max(32, 2 ** round(math.log2(max(1, rows / 100))))))
