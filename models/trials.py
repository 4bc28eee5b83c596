"""One trial: what the Trainer would train, and its loss on rows that it did not learn from.

A trial starts from the same seed as the Trainer. So with the best values the Trainer reaches the
loss of the trial, on the same machine and with the same number of epochs; but where the Trainer's
network is several in folds (`parts.py`), a trial has one: a search takes long enough.
"""

import dataclasses
import functools
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from keras_tuner.engine import trial as trials

from beltline.models.config import Config, TuningConfig
from beltline.models.devices import Devices, choose_devices
from beltline.models.hyperparameters import KERAS_TUNERS_OWN, hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt
from beltline.models.learners import learned
from beltline.models.oracles import EPOCHS, OBJECTIVE, most_epochs

LOG = logging.getLogger("beltline.tuner")

SECONDS = "seconds"
"""Under this name a trial's wall seconds are among its metrics."""


@dataclasses.dataclass(frozen=True)
class TrialData:
    """The configuration of trials and the files they read; small enough to send to a process."""

    config: Config
    tuning: TuningConfig
    train_files: Sequence[str]
    validation_files: Sequence[str]
    transform_graph: str

    @functools.cached_property
    def prepared(self) -> tuple[Job, Devices]:
        """The data, read, and where to learn; seconds the first time."""
        job = prepare(self.config, self.train_files, self.validation_files, self.transform_graph)
        training = self.config.training
        devices = choose_devices(training.mixed_precision, training.gpu, training.xla)
        return job, devices


def run_trial(trial: trials.Trial, data: TrialData) -> dict[str, float]:
    """Trains with a trial's values; returns its metrics by name, the objective among them.

    Raises:
      keras_tuner.errors.FailedTrialError: these values can't be trained with; others may.
      keras_tuner.errors.FatalError: nothing can, or the process was asked to stop.
    """
    values = trial.hyperparameters.values
    shown = {name: v for name, v in values.items() if not name.startswith(KERAS_TUNERS_OWN)}
    LOG.info("trial %s: %s", trial.trial_id, shown_values(shown))
    begun = time.monotonic()
    try:
        loss = _loss_or_failure(trial, data)
    except keras_tuner.errors.FailedTrialError:
        raise
    except Exception as error:
        # KerasTuner would take it for a failed trial, also where it says that the node must stop.
        which = ", the untuned settings" if _is_first(trial) else ""
        raise keras_tuner.errors.FatalError(f"trial {trial.trial_id}{which}: {error}") from error
    seconds = time.monotonic() - begun
    LOG.info("trial %s: validation loss %.6f; %.1f s", trial.trial_id, loss, seconds)
    return {OBJECTIVE: loss, SECONDS: seconds}


def _loss_or_failure(trial: trials.Trial, data: TrialData) -> float:
    # An error in the data is one of every trial.
    job, devices = data.prepared
    try:
        return validation_loss(trial.hyperparameters.values, job, data.tuning, devices)
    except (ValueError, tf.errors.ResourceExhaustedError) as error:
        # The first one is the settings' own: the Trainer would fail as it does.
        if _is_first(trial):
            raise
        LOG.info("trial %s failed: %s", trial.trial_id, error)
        raise keras_tuner.errors.FailedTrialError(str(error)) from error


def _is_first(trial: trials.Trial) -> bool:
    return int(trial.trial_id) == 0


def validation_loss(
    values: Mapping[str, Any], job: Job, tuning: TuningConfig, devices: Devices
) -> float:
    """Returns the loss on the validation split of what is trained with a trial's values.

    Raises:
      ValueError: as `learners.learned`.
    """
    config = job.config
    # Else the networks of all trials stay in memory.
    keras.backend.clear_session()
    epochs = values.get(EPOCHS, most_epochs(tuning, config.training))
    training = dataclasses.replace(config.training, epochs=epochs)
    shorter = dataclasses.replace(job, config=dataclasses.replace(config, training=training))
    attempt = Attempt(
        hyperparameters_of(config, values), devices, minutes=training.minutes, in_folds=False
    )
    found = learned(shorter, attempt)
    return float(job.objective.losses(found.outputs, found.labels(job)).mean())


def shown_values(values: Mapping[str, Any]) -> str:
    """Returns hyperparameters on one line, for the log."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )
