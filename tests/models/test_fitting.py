"""What the network's training is made of; that it learns is seen in test_training.py."""

from types import SimpleNamespace
from typing import Any

import keras
import pytest

from beltline.models.fitting import callbacks
from beltline.models.learned import Attempt


def stopping(epochs: int, most: int, setting: Any = "auto", recipe: Any = None) -> list[Any]:
    """The callbacks that stop early; `most` is how many epochs there are."""
    training = SimpleNamespace(patience=epochs, epochs=setting)
    job: Any = SimpleNamespace(config=SimpleNamespace(training=training), recipe=recipe)
    attempt: Any = Attempt({}, None)  # type: ignore[arg-type] # no device is asked
    every = callbacks(job, attempt, None, most)
    return [each for each in every if isinstance(each, keras.callbacks.EarlyStopping)]


@pytest.mark.parametrize(("most", "setting", "patience"), [(6, "auto", 3), (6, 6, 8)])
def test_patience_is_at_most_half_of_epochs_that_nobody_set(
    most: int, setting: Any, patience: int
) -> None:
    [found] = stopping(8, most, setting)
    assert found.patience == patience and found.restore_best_weights


def test_a_refit_does_not_stop_early() -> None:
    assert stopping(8, 16, recipe="some") == []
