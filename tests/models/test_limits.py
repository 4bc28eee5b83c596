"""A training that ends before its epochs do."""

import logging
import time

import keras
import numpy as np
import pytest

from beltline.models.limits import StepLimit, TimeLimit

ROWS = np.zeros((64, 1), "float32")


class Slow(keras.callbacks.Callback):
    """A step takes a while; counts them."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.steps = seconds, 0

    def on_train_batch_begin(self, batch, logs=None):
        time.sleep(self.seconds)
        self.steps += self.model.steps_per_execution


def fitted(limit, together=1, seconds=0.0):
    """The steps that were made."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse", steps_per_execution=together)
    slow = Slow(seconds)
    network.fit(ROWS, ROWS, batch_size=4, epochs=100, callbacks=[slow, limit], verbose=0)
    return slow.steps


@pytest.mark.parametrize(("steps", "together"), [(1, 1), (20, 1), (20, 4), (32, 16)])
def test_steps(steps, together):
    assert fitted(StepLimit(steps), together) == steps


def test_minutes(caplog):
    limit = TimeLimit(0.5 / 60)
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        steps = fitted(limit, seconds=0.05)
    assert 1 <= steps <= 0.5 / 0.05 + 1
    assert limit.used >= 0.5
    assert caplog.messages == [
        "0.00833333 minutes (`training.minutes`) are over: this epoch is the last"
    ]


def test_the_minutes_before_an_interruption_count():
    limit = TimeLimit(1)
    limit.used = 60.0
    assert fitted(limit) == 1
