"""The training of the network: Keras' `fit`, and the weights of the best epoch.

To train in another way, write a function of the same signature, and call it in `learners.py`.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from beltline.models.config import TrainingConfig
from beltline.models.job import Job
from beltline.models.learned import Attempt, Learned
from beltline.models.limits import StepLimit, TimeLimit
from beltline.models.progress import Progress
from beltline.models.resuming import Resume

LOG = logging.getLogger("beltline.trainer")


def fit(job: Job, attempt: Attempt) -> Learned:
    """Returns a network with the weights of its best epoch, in float32 and on one device.

    Args:
      job: what to learn from.
      attempt: how.

    Raises:
      ValueError: the loss is no longer a number.
    """
    devices, steps = attempt.devices, attempt.steps
    per_epoch, epochs = job.train.steps(job.rows_per_step(devices)), job.epochs(devices)
    total, together = min(steps or math.inf, per_epoch * epochs), job.steps_together(devices, steps)
    with devices.scope():
        network = job.compiled(attempt.hyperparameters, devices, together, int(total))
    LOG.info(
        "%d epochs of %d steps, %d in one call", epochs, per_epoch, network.steps_per_execution
    )
    followed = callbacks(job.config.training, attempt)
    minutes, kept = job.config.training.checkpoint_minutes, attempt.checkpoints
    resumed = [Resume(kept, minutes, followed)] if kept else []
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
    plain = on_one_device(network, job, attempt.hyperparameters)
    return Learned(plain, validation_outputs(job, plain))


def on_one_device(
    network: keras.Model, job: Job, hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Returns the same network in float32, as it is exported."""
    plain = job.network(hyperparameters)
    plain.set_weights(network.get_weights())
    return plain


def validation_outputs(job: Job, network: keras.Model) -> npt.NDArray[Any]:
    """Returns the network's outputs on the validation split, `[n, u]`."""
    batches = job.validation.batches(4096, lambda inputs, _: (inputs,))
    return np.concatenate([network(inputs, training=False) for (inputs,) in batches])


def callbacks(training: TrainingConfig, attempt: Attempt) -> list[keras.callbacks.Callback]:
    """Returns the callbacks: early stopping, limits, progress and curves."""
    return [
        Progress(),
        keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True),
        *([StepLimit(attempt.steps)] if attempt.steps else []),
        *([TimeLimit(attempt.minutes)] if attempt.minutes else []),
        *([attempt.curves] if attempt.curves else []),
    ]
