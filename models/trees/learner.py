"""What the Trainer and the Tuner call for trees, as `training.fit` is for the network.

The result is a Keras model of the network's inputs and outputs, so that calibration, threshold,
export and all that asks the exported model are the same for both.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

import keras
import lightgbm
import numpy as np

from beltline.models.checkpoints import Checkpoints
from beltline.models.curves import Curves
from beltline.models.features import Task
from beltline.models.job import Job
from beltline.models.network import network_inputs
from beltline.models.reading import Split
from beltline.models.trees.forest import Forest, forest_of
from beltline.models.trees.growth import Growth, Plan, Rows
from beltline.models.trees.inputs import TreeColumns, table_of, tree_columns
from beltline.models.trees.layer import ForestLayer

LOG = logging.getLogger("beltline.trainer")

OBJECTIVES: dict[Task, str] = {
    "binary": "binary",
    "multiclass": "multiclass",
    "regression": "regression",
}


def fit_trees(
    job: Job,
    hyperparameters: Mapping[str, Any],
    steps: int | None = None,
    curves: Curves | None = None,
    checkpoints: Checkpoints | None = None,
) -> keras.Model:
    """Returns a model of the trees up to the round with the best validation loss.

    Args:
      job: what to learn from.
      hyperparameters: those whose names begin with `tree_`.
      steps: most rounds; None or 0 for no such limit.
      curves: logs for TensorBoard.
      checkpoints: keep the state of the training, and have that of one to go on with.
    """
    columns = tree_columns(job.train, job.features)
    train, validation = (rows_of(job, split, columns) for split in (job.train, job.validation))
    LOG.info(
        "%s rows to learn from, %s to validate, %d columns",
        *(f"{len(each.target):,}" for each in (train, validation)),
        train.table.shape[1],
    )
    growth = Growth(plan_of(job, hyperparameters, steps), train, validation, checkpoints)
    forest = forest_of(growth.run(), job.objective.output_bias)
    if curves:
        curves.write_all(growth.losses, hyperparameters["tree_learning_rate"])
    return model_of(job, columns, forest)


def plan_of(job: Job, hyperparameters: Mapping[str, Any], steps: int | None) -> Plan:
    """Returns how the forest grows: the settings, in LightGBM's words."""
    features, training = job.features, job.config.training
    parameters = {
        "objective": OBJECTIVES[features.task],
        "learning_rate": hyperparameters["tree_learning_rate"],
        "num_leaves": hyperparameters["tree_leaves"],
        "max_depth": hyperparameters["tree_depth"],
        "min_data_in_leaf": hyperparameters["tree_min_rows"],
        "feature_fraction": hyperparameters["tree_columns"],
        "bagging_fraction": hyperparameters["tree_rows"],
        "bagging_freq": 1,
        # The same seed gives the same trees; otherwise it would time which way is faster.
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if features.task == "multiclass":
        parameters["num_class"] = len(features.classes)
    numbers, categories = len(features.numeric), len(features.categorical)
    return Plan(
        parameters=parameters,
        categorical=range(numbers, numbers + categories),
        start=job.objective.output_bias,
        seed=training.seed,
        rounds=min(hyperparameters["tree_rounds"], steps or hyperparameters["tree_rounds"]),
        patience=hyperparameters["tree_patience"],
        minutes=training.minutes,
        checkpoint_minutes=training.checkpoint_minutes,
    )


def rows_of(job: Job, split: Split, columns: TreeColumns) -> Rows:
    """Returns a split's rows as LightGBM takes them."""
    objective, target = job.objective, split.labels
    weights = None
    if objective.class_weights is not None:
        weights = np.asarray(objective.class_weights)[split.labels]
    if objective.task == "regression":
        target = (target - objective.mean) / objective.scale
    return Rows(table_of(split, columns), target, weights)


def model_of(job: Job, columns: TreeColumns, forest: Forest) -> keras.Model:
    """Returns a Keras model of the network's inputs, and outputs `[n, u]` float32."""
    inputs = network_inputs(job.features)
    outputs = ForestLayer(forest, name="forest")(columns(inputs))
    return keras.Model(inputs, keras.ops.cast(outputs, "float32"))


def environment() -> list[str]:
    """Returns what else the trees depend on: LightGBM's release, and how many threads add up."""
    threads = os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))
    return [f"LightGBM {lightgbm.__version__}", f"{threads} threads"]
