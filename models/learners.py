"""What `model.learners` names: the network, trees, or both, weighed against each other.

To add a learner, write a function `(Job, Attempt) -> Learned` and name it in `_fit`.
"""

import dataclasses
import hashlib
import logging
from typing import Any

import keras
import numpy as np

from beltline.models.blend import blended
from beltline.models.config import Learner
from beltline.models.fitting import fit
from beltline.models.job import Job, make_repeatable
from beltline.models.learned import Attempt, Learned

LOG = logging.getLogger("beltline.trainer")


def learned(job: Job, attempt: Attempt) -> Learned:
    """Returns what the learners make together; its digest goes into the log.

    Raises:
      ValueError: the network's loss is no longer a number, or the system lacks what LightGBM needs.
    """
    # The trees first: they take seconds, and the network may take hours.
    names = sorted(job.learners, key=lambda name: (name == "network", name))
    found: dict[Learner, Learned] = {
        name: _fit(name, job, part_of(attempt, name, len(names))) for name in names
    }
    together = blended(found, job) if len(found) > 1 else found[names[0]]
    LOG.info("weights digest %s", digest_of(together.model))
    return together


def _fit(name: Learner, job: Job, attempt: Attempt) -> Learned:
    # Whatever was made before it, a learner starts from the seed.
    make_repeatable(job.config.training.seed, job.config.training.xla)
    return fit(job, attempt) if name == "network" else trees().fit_trees(job, attempt, name)


def part_of(attempt: Attempt, name: str, learners: int) -> Attempt:
    """Returns the attempt of one learner: its share of the time, and places of its own."""
    if learners == 1:
        return attempt
    return dataclasses.replace(
        attempt,
        minutes=attempt.minutes and attempt.minutes / learners,
        curves=attempt.curves and attempt.curves.part(name),
        checkpoints=attempt.checkpoints and attempt.checkpoints.part(name),
    )


def trees() -> Any:
    """Returns the module of the trees, which takes a second to import.

    Raises:
      ValueError: the system lacks what LightGBM needs.
    """
    try:
        from beltline.models.trees import learner
    except OSError as error:
        raise ValueError(
            "`model.learners` names trees, and LightGBM can't be loaded; it needs the system's "
            f"library libgomp.so.1 (Debian: libgomp1): {error}"
        ) from error
    return learner


def digest_of(model: keras.Model) -> str:
    """Returns a digest (hex) of the weights; identical weights have the same."""
    found = hashlib.sha256()
    for array in model.get_weights():
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
