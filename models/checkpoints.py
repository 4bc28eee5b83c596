"""Checkpoints of an unfinished training: one folder per training, named by its key.

The key is a digest of everything that the training's outcome depends on, so that the same training
finds its checkpoint in the same run or in another one. A state is one file: arrays, and
plain values as JSON. To add to the key, add a part in `key_of`.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import logging
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from beltline.models.config import Config

LOG = logging.getLogger("beltline.trainer")

_FORGOTTEN_AFTER = 14 * 24 * 3600  # seconds
_READ_AT_ONCE = 1 << 24


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Everything that is needed to resume a training with an identical outcome."""

    values: dict[str, Any]
    """Plain numbers, texts, lists and mappings, and None."""
    arrays: dict[str, npt.NDArray[Any]]


class Checkpoints:
    """The folder of one training."""

    def __init__(self, folder: str, key: str):
        self._all = folder
        self._folder = f"{folder}/{key}"
        self._file = f"{self._folder}/state.npz"

    def part(self, name: str) -> "Checkpoints":
        """Returns the folder of one learner, which is removed with this one."""
        return Checkpoints(self._folder, name)

    def load(self) -> TrainingState | None:
        """Returns the state that was saved last, or None; one that can't be read counts as none."""
        if not tf.io.gfile.exists(self._file):
            return None
        try:
            with tf.io.gfile.GFile(self._file, "rb") as file:
                arrays = dict(np.load(io.BytesIO(file.read()), allow_pickle=False))
            return TrainingState(json.loads(str(arrays.pop("values"))), arrays)
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            LOG.warning(
                "%s can't be read (%s): training starts from the beginning", self._file, error
            )
            return None

    def save(self, state: TrainingState) -> None:
        """Replaces the state atomically."""
        content = io.BytesIO()
        parts: dict[str, Any] = {"values": np.array(json.dumps(state.values)), **state.arrays}
        np.savez(content, **parts)
        tf.io.gfile.makedirs(self._folder)
        unfinished = f"{self._folder}/{uuid.uuid4().hex}.part"
        with tf.io.gfile.GFile(unfinished, "wb") as file:
            file.write(content.getvalue())
        tf.io.gfile.rename(unfinished, self._file, overwrite=True)

    def remove(self) -> None:
        """Removes the state, and those of trainings that were not resumed for two weeks."""
        _remove(self._folder)
        now = time.time()
        for folder in tf.io.gfile.glob(f"{self._all}/*"):
            # Another run may be at the same place, and faster.
            with contextlib.suppress(tf.errors.NotFoundError):
                if now - tf.io.gfile.stat(folder).mtime_nsec / 1e9 > _FORGOTTEN_AFTER:
                    _remove(folder)


def _remove(folder: str) -> None:
    with contextlib.suppress(tf.errors.NotFoundError):
        tf.io.gfile.rmtree(folder)


def key_of(config: Config, files: Sequence[str], others: Mapping[str, Any]) -> str:
    """Returns the digest of everything that a training depends on.

    Args:
      config: what the pipeline passes to the component; a tuner's settings don't count, what it
        chose must be in `others`.
      files: the rows to learn from and to validate with; their content counts.
      others: what else there is, as JSON takes it.
    """
    # These may differ between one attempt and the next without another outcome.
    training = dataclasses.replace(config.training, gpu="off", minutes=None, checkpoint_minutes=0)
    parts = {
        "config": dataclasses.asdict(dataclasses.replace(config, training=training, tuning=None)),
        "files": [_digest(file) for file in files],
        "versions": [tf.__version__, keras.__version__],
        **others,
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _digest(name: str) -> str:
    found = hashlib.sha256()
    with tf.io.gfile.GFile(name, "rb") as file:
        while block := file.read(_READ_AT_ONCE):
            found.update(block)
    return found.hexdigest()
