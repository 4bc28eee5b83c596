"""The training of the network: Keras' `fit`, and the weights of the best epoch.

To train in another way, write a function of the same signature, and call it in `learners.py`.
"""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any

import keras

from beltline.models.blend import Blend
from beltline.models.job import Job
from beltline.models.learned import Attempt, Learned
from beltline.models.limits import StepLimit, TimeLimit
from beltline.models.parts import parts_of
from beltline.models.progress import Progress
from beltline.models.resuming import Resume
from beltline.models.schedule import epochs, patience

LOG = logging.getLogger("beltline.trainer")


def fit(job: Job, attempt: Attempt) -> Learned:
    """Returns a network with the weights of its best epoch, in float32 and on one device.

    Args:
      job: what to learn from.
      attempt: how.

    Raises:
      ValueError: the loss is no longer a number.
    """
    if attempt.in_folds and (folded := job.in_folds()).parts > 1:
        found = _fit(folded, attempt)
        return _of_folds(found, 0 if job.recipe else len(job.train.labels))
    return _fit(job, attempt)


def _fit(job: Job, attempt: Attempt) -> Learned:
    devices, size = attempt.devices, job.rows_per_step(attempt.devices)
    per_epoch = job.train.steps(size)
    epochs, limit, planned = length_of(job, attempt, per_epoch)
    together = job.steps_together(devices, limit)
    with devices.scope():
        network = job.compiled(attempt.hyperparameters, devices, together, planned)
    if job.parts > 1:
        LOG.info("networks: %d, and each leaves out a fold", job.parts)
    LOG.info(
        "%s rows to learn from, %s to validate, %s per step",
        *(f"{n:,}" for n in (len(job.train.labels), len(job.validation.labels), size)),
    )
    LOG.info("%d epochs of %d steps, %d in one call", epochs, per_epoch, together)
    followed = callbacks(job, attempt, limit, epochs)
    minutes, kept = job.config.training.checkpoint_minutes, attempt.checkpoints
    resumed = [Resume(kept, minutes, followed)] if kept else []
    first = resumed[0].first_epoch if resumed else 0
    job.fit(network, devices, range(first, epochs), [*followed, *resumed])
    plain = on_one_device(network, job, attempt.hyperparameters)
    passes = followed[0].best_steps / per_epoch
    lengths = {"passes": passes, "planned_passes": planned / per_epoch}
    return Learned(plain, job.outputs(plain), lengths=lengths)


def _of_folds(found: Learned, train: int) -> Learned:
    """Returns networks side by side as the mean of them, and what they say as of two splits.

    Args:
      found: what they have learned together, and said of all rows.
      train: how many of the rows are of the train split; 0 where nothing was said of any.
    """
    model = mean_of(found.model)
    if not train:
        return dataclasses.replace(found, model=model)
    said = found.validation
    return dataclasses.replace(found, model=model, validation=said[train:], train=said[:train])


def length_of(job: Job, attempt: Attempt, per_epoch: int) -> tuple[int, int | None, int]:
    """Returns the most epochs, the most steps or None, and over how many steps the rate falls.

    A refit makes as many passes over its rows as the judged training until it was best, at the
    rates that this one had then.
    """
    if job.recipe:
        passes, planned = (job.recipe.lengths[name] for name in ("passes", "planned_passes"))
        steps = max(1, round(passes * per_epoch))
        return math.ceil(steps / per_epoch), steps, round(planned * per_epoch)
    most = epochs(job.config.training.epochs, per_epoch, len(job.train.labels))
    return most, attempt.steps, int(min(attempt.steps or math.inf, per_epoch * most))


def on_one_device(
    network: keras.Model, job: Job, hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Returns the same network in float32, as it is exported."""
    plain = job.network(hyperparameters)
    plain.set_weights(network.get_weights())
    return plain


def mean_of(network: keras.Model) -> keras.Model:
    """Returns the mean of the outputs of networks side by side, which asks for no fold."""
    parts = parts_of(network)
    inputs = parts[0].input
    mean = Blend([1 / len(parts)] * len(parts), name="mean")
    return keras.Model(inputs, mean([each(inputs) for each in parts]))


def callbacks(job: Job, attempt: Attempt, steps: int | None, epochs: int) -> list[Any]:
    """Returns the callbacks: progress first, early stopping, limits and curves."""
    training = job.config.training
    stopping = keras.callbacks.EarlyStopping(
        patience=patience(training.patience, training.epochs, epochs), restore_best_weights=True
    )
    return [
        Progress(),
        *([] if job.recipe else [stopping]),
        *([StepLimit(steps)] if steps else []),
        *([TimeLimit(attempt.minutes)] if attempt.minutes else []),
        *([attempt.curves] if attempt.curves else []),
    ]
