"""The Trainer's `run_fn`: fits the network, or trees, to the transformed splits and exports it.

Early stopping and the choice of the threshold use the validation split (`fn_args.eval_files`); the
eval split is never seen here. To replace all of it, name a function of your own in the settings as
`model.run_fn`; to change only the network, see `network.py`.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from beltline.models.calibration import Array, calibrated, validation_outputs
from beltline.models.checkpoints import Checkpoints, key_of
from beltline.models.config import TrainingConfig, from_config
from beltline.models.curves import Curves
from beltline.models.devices import Devices, choose_devices
from beltline.models.export import Trained, export_model
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.limits import StepLimit, TimeLimit
from beltline.models.preprocessing import vocabulary_sizes
from beltline.models.progress import Progress
from beltline.models.reading import files_of
from beltline.models.resuming import Resume
from beltline.models.threshold import best_f1

LOG = logging.getLogger("beltline.trainer")


def run_fn(fn_args: Any) -> None:
    """Trains and exports the model: TFX's entry point of the Trainer.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `train_steps` (most optimizer steps; None where the epochs decide),
        `transform_output`, `serving_model_dir`, `model_run_dir` (for TensorBoard), `working_dir`
        (of the checkpoints; None for none), `custom_config`, and `hyperparameters`
        (`keras_tuner.HyperParameters.get_config()`, or None).

    Raises:
      ValueError: a split is empty or holds one class only, a GPU is required and there is none, or
        the loss is no longer a number.
    """
    config = from_config(fn_args.custom_config)
    training = config.training
    devices = choose_devices(training.mixed_precision, training.gpu, training.xla)
    job = prepare(config, fn_args.train_files, fn_args.eval_files, fn_args.transform_output)
    hyperparameters = hyperparameters_of(config, (fn_args.hyperparameters or {}).get("values"))
    checkpoints = checkpoints_of(fn_args, job, hyperparameters, devices)
    curves = Curves(fn_args.model_run_dir, hyperparameters)
    network = learned(job, hyperparameters, devices, fn_args.train_steps, curves, checkpoints)
    outputs = validation_outputs(job, network)
    job = calibrated(job, outputs)
    trained = Trained(network, job.features, job.objective, choose_threshold(job, outputs))
    export_model(fn_args.serving_model_dir, trained, job.transform)
    if checkpoints:
        checkpoints.remove()


def learned(
    job: Job,
    hyperparameters: Mapping[str, Any],
    devices: Devices,
    steps: int | None = None,
    curves: Curves | None = None,
    checkpoints: Checkpoints | None = None,
) -> keras.Model:
    """Returns what `model.learners` says: the network, or trees as a Keras model.

    Args: as of `fit`; trees have rounds for steps, and are trained on the CPU.

    Raises:
      ValueError: as `fit`, or the system lacks what LightGBM needs.
    """
    if "trees" not in job.config.model.learners:
        return fit(job, hyperparameters, devices, steps, curves, checkpoints)
    model = _trees().fit_trees(job, hyperparameters, steps, curves, checkpoints)
    LOG.info("weights digest %s", digest_of(model))
    return model


def _trees() -> Any:
    """Returns the module of the trees, which takes a second to import."""
    try:
        from beltline.models.trees import learner
    except OSError as error:
        raise ValueError(
            "`model.learners: [trees]`: LightGBM can't be loaded; it needs the system's library "
            f"libgomp.so.1 (Debian: libgomp1): {error}"
        ) from error
    return learner


def fit(
    job: Job,
    hyperparameters: Mapping[str, Any],
    devices: Devices,
    steps: int | None = None,
    curves: Curves | None = None,
    checkpoints: Checkpoints | None = None,
) -> keras.Model:
    """Returns a network with the weights of its best epoch, in float32 and on one device.

    Args:
      job: what to learn from.
      hyperparameters: the network's and the optimizer's.
      devices: where to learn.
      steps: most optimizer steps in all; None or 0 for no such limit.
      curves: logs for TensorBoard.
      checkpoints: keep the state of the training, and have that of one to go on with.

    Raises:
      ValueError: the loss is no longer a number.
    """
    per_epoch, epochs = job.train.steps(job.rows_per_step(devices)), job.epochs(devices)
    total, together = min(steps or math.inf, per_epoch * epochs), job.steps_together(devices, steps)
    with devices.scope():
        network = job.compiled(hyperparameters, devices, together, int(total))
    LOG.info(
        "%d epochs of %d steps, %d in one call", epochs, per_epoch, network.steps_per_execution
    )
    followed = [*callbacks(job.config.training, steps), *([curves] if curves else [])]
    minutes = job.config.training.checkpoint_minutes
    resumed = [Resume(checkpoints, minutes, followed)] if checkpoints else []
    first = resumed[0].first_epoch if resumed else 0
    train, validation = job.datasets(devices, range(first, epochs))
    network.fit(
        train,
        validation_data=validation,
        initial_epoch=first,
        epochs=epochs,
        steps_per_epoch=per_epoch,
        callbacks=[*followed, *resumed],
        # The rows are shuffled already.
        shuffle=False,
        verbose=0,
    )
    return on_one_device(network, job, hyperparameters)


def on_one_device(
    network: keras.Model, job: Job, hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Returns the same network in float32, as it is exported; its digest goes into the log."""
    plain = job.network(hyperparameters)
    plain.set_weights(network.get_weights())
    LOG.info("weights digest %s", digest_of(plain))
    return plain


def callbacks(training: TrainingConfig, steps: int | None) -> list[keras.callbacks.Callback]:
    """Returns the callbacks: early stopping, limits and progress.

    Args:
      training: the settings' section.
      steps: most optimizer steps in all; None or 0 for no such limit.
    """
    return [
        Progress(),
        keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True),
        *([StepLimit(steps)] if steps else []),
        *([TimeLimit(training.minutes)] if training.minutes else []),
    ]


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
    }
    if "trees" in job.config.model.learners:
        others["environment"] = _trees().environment()
    files = files_of(fn_args.train_files) + files_of(fn_args.eval_files)
    return Checkpoints(fn_args.working_dir, key_of(job.config, files, others))


def digest_of(network: keras.Model) -> str:
    """Returns a digest (hex) of the weights; identical weights have the same."""
    found = hashlib.sha256()
    for array in network.get_weights():
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def choose_threshold(job: Job, outputs: Array) -> float | None:
    """Returns the probability from which on a row is positive; None unless the label is binary.

    Args:
      job: whose validation split decides.
      outputs: the network's `[n, 1]` for that split.
    """
    if job.features.task != "binary":
        return None
    probabilities = job.objective.prediction(outputs).numpy()[:, 0]
    threshold, f1 = best_f1(probabilities, job.validation.labels)
    LOG.info("threshold %.4f: F1 %.4f on the validation split", threshold, f1)
    return threshold
