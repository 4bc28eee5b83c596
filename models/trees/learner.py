"""The trees as a learner, as `fitting.fit` is the network.

The result is a Keras model of the network's inputs and outputs, so that calibration, threshold,
export and all that asks the exported model are the same for both.
"""

import logging
from collections.abc import Mapping
from typing import Any

import keras
import lightgbm
import numpy as np
import numpy.typing as npt

from beltline.models.config import Learner
from beltline.models.devices import cores
from beltline.models.features import Task
from beltline.models.folds import folds_of, number_of_folds
from beltline.models.job import Job
from beltline.models.learned import Attempt, Learned
from beltline.models.network import network_inputs
from beltline.models.trees.forest import Forest, forest_of
from beltline.models.trees.growth import Growth
from beltline.models.trees.inputs import TreeColumns, settle, table_of, tree_columns
from beltline.models.trees.layer import forest_layer
from beltline.models.trees.member import Plan, Rows

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

_EXTRA_COLUMNS = 0.625
"""Of the share of columns that a tree sees, that of one of the extra trees."""
LENGTHS = {"trees": "rounds", "extra_trees": "extra_rounds"}
"""By which name a recipe has the rounds of each."""
OBJECTIVES: dict[Task, str] = {
    "binary": "binary",
    "multiclass": "multiclass",
    "regression": "regression",
}


def fit_trees(job: Job, attempt: Attempt, name: Learner = "trees") -> Learned:
    """Returns a model of the trees up to the round with the lowest loss of the rows left out.

    Args:
      job: what to learn from.
      attempt: how; the hyperparameters are those whose names begin with `tree_`.
      name: `extra_trees` tries one threshold of each column, chosen at random, where `trees` look
        for the best one.
    """
    plan, shared = plan_of(job, attempt, name), ()
    if job.processes:
        rows, columns, shared = job.processes.begin(job, plan)
    else:
        columns = tree_columns(job.train, job.features)
        rows = rows_of(job, columns)
    growth = Growth(plan, rows, attempt.checkpoints, shared)
    members = len(growth.members)
    left_out = "no row" if job.recipe else "the validation split"
    LOG.info(
        "%s rows of %d columns; forests: %d, and each leaves out %s",
        *(f"{len(rows.target):,}", rows.table.shape[1], members),
        "a fold" if members > 1 else left_out,
    )
    growth.run()
    if attempt.curves:
        attempt.curves.write_all(growth.losses, attempt.hyperparameters["tree_learning_rate"])
    forest = forest_of(growth.dumps(), job.objective.output_bias, members)
    outputs, train = growth.outputs(), len(job.train.labels)
    return Learned(
        model=model_of(job, columns, forest),
        validation=outputs[train:],
        train=outputs[:train] if members > 1 else None,
        lengths={LENGTHS[name]: growth.best},
    )


def plan_of(job: Job, attempt: Attempt, name: Learner = "trees") -> Plan:
    """Returns how the forest grows: the settings, in LightGBM's words."""
    features, training = job.features, job.config.training
    hyperparameters = attempt.hyperparameters
    parameters = {
        "objective": OBJECTIVES[features.task],
        "learning_rate": hyperparameters["tree_learning_rate"],
        "num_leaves": hyperparameters["tree_leaves"],
        "max_depth": hyperparameters["tree_depth"],
        "min_data_in_leaf": hyperparameters["tree_min_rows"],
        "feature_fraction": hyperparameters["tree_columns"],
        "bagging_fraction": hyperparameters["tree_rows"],
        "bagging_freq": 1,
        **(_extra(hyperparameters) if name == "extra_trees" else {}),
        # The same seed gives the same trees; otherwise it would time which way is faster.
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if features.task == "multiclass":
        parameters["num_class"] = len(features.classes)
    numbers, categories = features.number_count, len(features.categorical)
    return Plan(
        parameters=parameters,
        categorical=range(numbers, numbers + categories),
        start=job.objective.output_bias,
        seed=training.seed,
        rounds=rounds_of(job, attempt, name),
        patience=None if job.recipe else hyperparameters["tree_patience"],
        minutes=attempt.minutes,
        checkpoint_minutes=training.checkpoint_minutes,
    )


def _extra(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what differs for extra trees: chance decides more, and it takes smaller leaves."""
    return {
        "extra_trees": True,
        "min_data_in_leaf": max(1, hyperparameters["tree_min_rows"] // 2),
        "feature_fraction": hyperparameters["tree_columns"] * _EXTRA_COLUMNS,
    }


def rounds_of(job: Job, attempt: Attempt, name: Learner = "trees") -> int:
    """Returns the most rounds; of a refit, those that were best, in proportion to its rows."""
    most, recipe = int(attempt.hyperparameters["tree_rounds"]), job.recipe
    if recipe is None:
        return min(most, attempt.steps or most)
    judged = job.judged_rows() if _folds(job) > 1 else recipe.train_rows
    return min(most, round(recipe.lengths[LENGTHS[name]] * len(job.train.labels) / judged))


def _folds(job: Job) -> int:
    # As many as in the judged training, also where more rows would have others.
    return number_of_folds(job.config.training.folds, job.judged_rows(), "trees")


def rows_of(job: Job, columns: TreeColumns) -> Rows:
    """Returns the rows of both splits as LightGBM takes them, those to learn from first."""
    objective = job.objective
    splits = [each for each in (job.train, job.validation) if len(each.labels)]
    target, weights = np.concatenate([each.labels for each in splits]), None
    if objective.class_weights is not None:
        weights = np.asarray(objective.class_weights)[target]
    if objective.task == "regression":
        target = (target - objective.mean) / objective.scale
    table = np.concatenate([table_of(each, columns) for each in splits])
    for number in range(job.features.number_count):
        table[:, number] = settle(table[:, number])
    return Rows(table, target, weights, _held(job, table))


def _held(job: Job, table: Array) -> Array:
    folds, seed = _folds(job), job.config.training.seed
    held = folds_of(table, folds, seed) if folds > 1 else np.zeros(len(table), "int32")
    if not held.any():
        # One fold, or rows that are all alike.
        held[: len(job.train.labels)] = -1
    return held


def model_of(job: Job, columns: TreeColumns, forest: Forest) -> keras.Model:
    """Returns a Keras model of the network's inputs, and outputs `[n, u]` float32."""
    inputs = network_inputs(job.features)
    outputs = forest_layer(forest, name="forest")(columns(inputs))
    return keras.Model(inputs, keras.ops.cast(outputs, "float32"))


def environment() -> list[str]:
    """Returns what else the trees depend on: LightGBM's release, and how many threads add up."""
    return [f"LightGBM {lightgbm.__version__}", f"{cores()} threads"]
