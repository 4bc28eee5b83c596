"""Resumes an interrupted training, to the weights that it would have reached.

Keras' own `BackupAndRestore` brings back the weights and the optimizer. The rest of what decides
the curve is kept here, too: the random state of dropout, and what the other callbacks count. The
order of the rows needs nothing, see `reading.py`. A callback of your own whose attributes must
survive names them in `remembered`.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from beltline.models.checkpoints import Checkpoints, TrainingState

LOG = logging.getLogger("beltline.trainer")

_OF_KERAS: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "wait", "best_epoch", "stopped_epoch", "best_weights"),
}
_SHARE = 0.02  # of the time, at most, that saving may take


class Resume(keras.callbacks.Callback):
    """Saves the state at the end of an epoch, every few minutes, and restores the last one.

    It must be the last callback: it reads what the others have counted.

    Args:
      checkpoints: where to.
      minutes: the least time between two; 0 saves after every epoch.
      others: the training's other callbacks.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        minutes: float,
        others: Sequence[keras.callbacks.Callback],
    ):
        super().__init__()
        self._checkpoints = checkpoints
        self._minutes = minutes
        self._others = others
        self._found = checkpoints.load()
        self._saved = 0.0
        self._cost = 0.0

    @property
    def first_epoch(self) -> int:
        """The epoch to resume with, counted from 0."""
        return int(self._found.values["epochs"]) if self._found else 0

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Restores the state, if there is one."""
        self._saved = time.monotonic()
        if self._found:
            LOG.info("resuming an interrupted training after epoch %d", self.first_epoch)
            _restore(self._found, self.model, self._others)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Saves the state if it is due and the training isn't over."""
        over = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if over or not self._is_due():
            return
        began = time.monotonic()
        self._checkpoints.save(_state(epoch + 1, self.model, self._others))
        self._saved = time.monotonic()
        self._cost = self._saved - began

    def _is_due(self) -> bool:
        least = max(60 * self._minutes, self._cost / _SHARE if self._minutes else 0)
        return time.monotonic() - self._saved >= least


def _state(epochs: int, network: Any, callbacks: Sequence[Any]) -> TrainingState:
    values: dict[str, Any] = {"epochs": epochs}
    arrays: dict[str, Any] = {}
    for name, variables in _variables(network).items():
        arrays |= _numbered(name, [keras.ops.convert_to_numpy(each) for each in variables])
    for number, callback in enumerate(callbacks):
        for name in _remembered(callback):
            key, value = f"{number}.{name}", getattr(callback, name)
            if name == "best_weights":
                arrays |= _numbered(key, value or [])
            else:
                values[key] = value
    return TrainingState(values, arrays)


def _restore(state: TrainingState, network: Any, callbacks: Sequence[Any]) -> None:
    for name, variables in _variables(network).items():
        for variable, value in zip(variables, _list(state, name), strict=True):
            variable.assign(value)
    for number, callback in enumerate(callbacks):
        for name in _remembered(callback):
            key = f"{number}.{name}"
            best = name == "best_weights"
            setattr(callback, name, _list(state, key) or None if best else state.values[key])


def _variables(network: Any) -> dict[str, list[Any]]:
    """Returns the variables of the network, with its random generators, and of the optimizer."""
    return {"network": list(network.variables), "optimizer": list(network.optimizer.variables)}


def _remembered(callback: Any) -> tuple[str, ...]:
    known: tuple[str, ...] = getattr(callback, "remembered", ())
    return known or _OF_KERAS.get(type(callback), ())


def _numbered(name: str, arrays: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}/{number:04d}": np.asarray(array) for number, array in enumerate(arrays)}


def _list(state: TrainingState, name: str) -> list[Any]:
    return [state.arrays[key] for key in sorted(state.arrays) if key.startswith(f"{name}/")]
