"""The Trainer's `run_fn`: fits the network to the transformed splits and exports the model.

Early stopping and the choice of the threshold use the validation split (`fn_args.eval_files`); the
eval split is never seen here. To replace all of it, name a function of your own in the settings as
`model.run_fn`; to change only the network, see `network.py`.
"""

import logging
from collections.abc import Mapping
from typing import Any

import keras

from models.calibration import calibrated, validation_outputs
from models.devices import Devices, choose_devices
from models.export import Trained, export_model
from models.hyperparameters import hyperparameters_of
from models.job import Job, prepare
from models.progress import Progress
from models.threshold import best_f1

LOG = logging.getLogger("beltline.trainer")


def run_fn(fn_args: Any) -> None:
    """TFX's entry point of the Trainer.

    Args:
      fn_args: a `tfx.components.FnArgs`; read are `train_files`, `eval_files` (the validation
        split), `train_steps` (most optimizer steps; None where the epochs decide),
        `transform_output`, `serving_model_dir`, `custom_config`, and `hyperparameters`
        (`keras_tuner.HyperParameters.get_config()`, or None).

    Raises:
      ValueError: a split is empty or holds one class only, or the loss is no longer a number.
    """
    config = fn_args.custom_config
    job = prepare(config, fn_args.train_files, fn_args.eval_files, fn_args.transform_output)
    devices = choose_devices(config["training"]["mixed_precision"])
    hyperparameters = hyperparameters_of(config, (fn_args.hyperparameters or {}).get("values"))
    network = fit(job, hyperparameters, devices, fn_args.train_steps)
    job = calibrated(job, network)
    trained = Trained(network, job.features, job.objective, choose_threshold(network, job))
    export_model(fn_args.serving_model_dir, trained, job.transform)


def fit(
    job: Job, hyperparameters: Mapping[str, Any], devices: Devices, steps: int | None = None
) -> keras.Model:
    """A network with the weights of its best epoch, in float32 and on one device.

    Args:
      job: what to learn from.
      hyperparameters: the network's and the optimizer's.
      devices: where to learn.
      steps: most optimizer steps in all; None or 0 for no such limit.

    Raises:
      ValueError: the loss is no longer a number.
    """
    with devices.scope():
        network = job.compiled(hyperparameters)
    train, validation = job.datasets(devices)
    network.fit(
        train,
        validation_data=validation,
        epochs=job.training["epochs"],
        callbacks=[*callbacks(job.training["patience"]), *([StepLimit(steps)] if steps else [])],
        verbose=0,
    )
    plain = job.network(hyperparameters)
    plain.set_weights(network.get_weights())
    return plain


def callbacks(patience: int) -> list[keras.callbacks.Callback]:
    """Slows down when the validation loss stalls, stops when that doesn't help, and reports."""
    return [
        Progress(),
        keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=max(1, patience // 3)),
        keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True),
    ]


class StepLimit(keras.callbacks.Callback):
    """Stops the training after a number of steps; the epoch that this cuts short is validated."""

    def __init__(self, steps: int):
        super().__init__()
        self._left = steps

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Counts."""
        self._left -= 1
        if self._left <= 0:
            self.model.stop_training = True


def choose_threshold(network: keras.Model, job: Job) -> float | None:
    """For a binary label the probability from which on a row is positive, else None."""
    if job.features.task != "binary":
        return None
    outputs = validation_outputs(job, network)
    probabilities = job.objective.prediction(outputs).numpy()[:, 0]
    threshold, f1 = best_f1(probabilities, job.validation.labels)
    LOG.info("threshold %.4f: F1 %.4f on the validation split", threshold, f1)
    return threshold
