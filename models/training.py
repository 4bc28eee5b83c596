"""The Trainer's `run_fn`: fits the learners to the transformed splits, exports them as one model.

Early stopping, calibration and the choice of the threshold use rows that were not learned from: the
validation split (`fn_args.eval_files`), and with folds all rows, each by the part of the model that
left it out. A refit has no such rows and follows what the judged training found; it alone sees the
eval split. To replace all of it, name a function of your own in the settings as `model.run_fn`; to
change only the network, see `network.py`.
"""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.calibration import calibrated
from beltline.models.checkpoints import Checkpoints, key_of
from beltline.models.config import TREES, from_config
from beltline.models.curves import Curves
from beltline.models.devices import Devices, choose_devices
from beltline.models.export import Trained, export_model
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt, Learned
from beltline.models.learners import learned, trees
from beltline.models.objective import Objective
from beltline.models.preprocessing import vocabulary_sizes
from beltline.models.reading import files_of
from beltline.models.recipe import Recipe, read_recipe
from beltline.models.threshold import best_f1

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model: TFX's entry point of the Trainer.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `train_steps` (most optimizer steps; None where the epochs decide),
        `transform_output`, `serving_model_dir`, `model_run_dir` (for TensorBoard), `working_dir`
        (of the checkpoints; None for none), `custom_config`, `base_model`, and `hyperparameters`
        (`keras_tuner.HyperParameters.get_config()`, or None). With a `base_model`, the path of a
        judged model, the same is trained on `train_files` alone: see `recipe.py`. With several
        `training.workers` it has `processes`, see `shared/job.py`.

    Raises:
      ValueError: a split is empty or holds one class only, a GPU is required and there is none, or
        the loss is no longer a number.
    """
    config = from_config(fn_args.custom_config)
    training = config.training
    followed = read_recipe(fn_args.base_model) if fn_args.base_model else None
    if training.workers > 1:
        from beltline.models.shared.job import shared_job

        job, devices = shared_job(fn_args, config, followed)
    else:
        splits = fn_args.train_files, fn_args.eval_files
        devices = choose_devices(training.mixed_precision, training.gpu, training.xla)
        job = prepare(config, *splits, fn_args.transform_output, followed)
    hyperparameters = hyperparameters_of(config, (fn_args.hyperparameters or {}).get("values"))
    checkpoints = checkpoints_of(fn_args, job, hyperparameters, devices)
    curves = Curves(fn_args.model_run_dir, hyperparameters)
    steps, minutes = fn_args.train_steps, training.minutes
    attempt = Attempt(hyperparameters, devices, steps, minutes, curves, checkpoints)
    found = learned(job, attempt)
    recipe = followed or recipe_of(job, found)
    objective = dataclasses.replace(job.objective, temperature=recipe.temperature)
    worth, threshold = recipe.worth, recipe.threshold
    trained = Trained(found.model, job.features, objective, threshold, worth, recipe)
    export_model(fn_args.serving_model_dir, trained, job.transform)
    if checkpoints:
        checkpoints.remove()


def recipe_of(job: Job, found: Learned) -> Recipe:
    """Returns what the training has found, by the rows that it did not learn from."""
    outputs, labels = found.outputs, found.labels(job)
    objective = calibrated(job.objective, outputs, labels)
    return Recipe(
        train_rows=len(job.train.labels),
        validation_rows=len(job.validation.labels),
        lengths=found.lengths,
        worth=found.worth,
        temperature=objective.temperature,
        threshold=choose_threshold(objective, outputs, labels),
    )


def checkpoints_of(
    fn_args: Any, job: Job, hyperparameters: Mapping[str, Any], devices: Devices
) -> Checkpoints | None:
    """Returns the checkpoints of this training; None where TFX gives it no folder."""
    if not fn_args.working_dir:
        return None
    others = {
        "hyperparameters": dict(hyperparameters),
        "vocabulary_sizes": vocabulary_sizes(job.transform, job.features),
        "steps": fn_args.train_steps,
        "devices": devices.described,
        "recipe": dataclasses.asdict(job.recipe) if job.recipe else None,
    }
    if set(TREES) & set(job.learners):
        others["environment"] = trees().environment()
    files = files_of(fn_args.train_files) + files_of(fn_args.eval_files)
    return Checkpoints(fn_args.working_dir, key_of(job.config, files, others))


def choose_threshold(objective: Objective, outputs: Array, labels: Array) -> float | None:
    """Returns the probability from which on a row is positive; None unless the label is binary.

    Args:
      objective: makes probabilities of outputs.
      outputs: `[n, 1]` for rows that the model did not learn from.
      labels: theirs, `[n]`.
    """
    if objective.task != "binary":
        return None
    probabilities = objective.prediction(np.asarray(outputs, "float32")).numpy()[:, 0]
    threshold, f1 = best_f1(probabilities, labels)
    LOG.info("threshold %.4f: F1 %.4f on %s rows", threshold, f1, f"{len(labels):,}")
    return threshold
