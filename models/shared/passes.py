"""The passes of the network over all rows, as the Trainer leads them.

The processes make the steps; what is decided between them is decided here alone, by the callbacks
of a training in one process: early stopping, limits, curves, checkpoints. So no process can go
another way than the others.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

import keras

from beltline.models.limits import StepLimit
from beltline.models.shared.network import arrays_of, variables_of
from beltline.models.shared.processes import Processes

_SECONDS = 1.0
"""Of one call, at least, where a pass is long: a call takes some hundredths of a second."""


class Passes:
    """The passes of one training.

    Args:
      copies: the processes, each with a `Copy`.
      network: is to have the state of the copies after each pass, and has it at the start.
      steps: of a pass.
      callbacks: Keras'.
    """

    def __init__(
        self, copies: Processes, network: keras.Model, steps: int, callbacks: Sequence[Any]
    ) -> None:
        self._copies, self._network, self._steps = copies, network, steps
        self._limits = [each for each in callbacks if isinstance(each, StepLimit)]
        self._callbacks = callbacks
        self._at_once = 8

    def make(self, passes: range, judge: bool) -> None:
        """Makes them.

        Args:
          passes: their numbers.
          judge: whether there are rows to validate with.

        Raises:
          RuntimeError: the copies have become different.
          ValueError: the loss is no longer a number.
        """
        network = self._network
        network.stop_training = False
        calls = keras.callbacks.CallbackList(self._callbacks, model=network, epochs=passes.stop)
        calls.on_train_begin()
        self._copies.call("start", self._steps, passes, arrays_of(network))
        for number in passes:
            calls.on_epoch_begin(number)
            logs = {"loss": self._learn(calls)}
            validation = self._end()
            calls.on_epoch_end(number, {**logs, "val_loss": validation} if judge else logs)
            if network.stop_training:
                break
        calls.on_train_end()

    def _learn(self, calls: Any) -> float:
        """Makes the steps of a pass; returns the loss."""
        made, loss, rows = 0, 0.0, 0.0
        while made < self._steps and not self._network.stop_training:
            left = min([self._steps - made, *(each.left for each in self._limits)])
            count, begun = min(self._at_once, left), time.monotonic()
            # The same numbers in all of them.
            (lost, seen), *_ = self._copies.call("learn", count)
            loss, rows = loss + lost, rows + seen
            if count == self._at_once and time.monotonic() - begun < _SECONDS:
                self._at_once *= 2
            for step in range(made, made + count):
                calls.on_train_batch_end(step)
            made += count
        return loss / rows

    def _end(self) -> float:
        """Takes over the state of the copies; returns the validation loss."""
        ended = self._copies.call("end")
        losses, rows, digests, (variables, *_) = zip(*ended, strict=True)
        if len(set(digests)) > 1:
            raise RuntimeError("the processes of a training have come to different weights")
        for variable, value in zip(variables_of(self._network), variables, strict=True):
            variable.assign(value)
        return math.fsum(losses) / (sum(rows) or 1)
