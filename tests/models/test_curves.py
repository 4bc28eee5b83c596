"""What TensorBoard reads."""

import keras
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from beltline.models.curves import Curves

ROWS = np.ones((8, 1), "float32")


def read(folder, tag):
    found = EventAccumulator(str(folder))
    found.Reload()
    return {each.step: float(make_ndarray(each.tensor_proto)) for each in found.Tensors(tag)}


def test_losses_and_rates_of_each_epoch_those_before_an_interruption_too(tmp_path):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD(0.25), "mse")
    curves = Curves(str(tmp_path), {"hidden": [8, 4], "dropout": 0.1, "network_fn": "a.b"})
    curves.points = [{"loss": 4.0, "val_loss": 5.0, "learning_rate": 0.5}]
    history = network.fit(
        ROWS,
        ROWS,
        validation_data=(ROWS, ROWS),
        initial_epoch=1,
        epochs=3,
        callbacks=[curves],
        verbose=0,
    ).history
    expected = dict(enumerate([4.0, *np.float32(history["loss"])], start=1))
    assert read(tmp_path / "train", "loss") == expected
    expected = dict(enumerate([5.0, *np.float32(history["val_loss"])], start=1))
    assert read(tmp_path / "validation", "loss") == expected
    assert read(tmp_path / "train", "learning_rate") == {1: 0.5, 2: 0.25, 3: 0.25}
    found = EventAccumulator(str(tmp_path / "train"))
    found.Reload()
    shown = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    assert b"dropout" in shown and b"[8, 4]" in shown
