"""Networks side by side, each of which leaves out a part of the rows; see `folds.py`.

They are trained as one network, in one go and by one optimizer: no error of a row reaches the
network that leaves it out. Otherwise a row's answer is that of this network alone, so that the
validation loss is one of all rows, and as honest as that of a split. Plain layers on `keras.ops`.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from beltline.models.folds import folds_of
from beltline.models.reading import Split

FOLD = "fold"
"""The input that says which network leaves the row out."""


class LeftOut(keras.layers.Layer):
    """Maps outputs of p networks, `[n, u]` or `[n, m, u]` each, and the rows' folds `[n]`.

    In training to all outputs, `[n, p, u]` or `[n, p * m, u]`; otherwise to those of the network
    that leaves the row out, `[n, u]`.
    """

    def call(
        self, outputs: list[keras.KerasTensor], fold: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        """Lets no gradient through to the network that leaves the row out."""
        stacked = keras.ops.stack(outputs, axis=1)
        parts, *rest = stacked.shape[1:]
        left = keras.ops.expand_dims(fold, 1) == keras.ops.arange(parts, dtype=fold.dtype)
        left = keras.ops.reshape(left, (-1, parts, *[1] * len(rest)))
        if not training:
            return keras.ops.sum(keras.ops.where(left, stacked, 0.0), axis=1)
        kept = keras.ops.where(left, keras.ops.stop_gradient(stacked), stacked)
        return keras.ops.reshape(kept, (-1, parts * (rest[0] if len(rest) > 1 else 1), rest[-1]))


def side_by_side(networks: Sequence[keras.Model]) -> keras.Model:
    """Returns networks of the same inputs as one, which also asks for the row's fold."""
    inputs = dict(networks[0].input)
    fold = keras.Input((), dtype="int32", name=FOLD)
    for number, network in enumerate(networks):
        network.name = f"{FOLD}_{number}"
    outputs = LeftOut(dtype="float32", name="left_out")([each(inputs) for each in networks], fold)
    return keras.Model({**inputs, FOLD: fold}, outputs)


def parts_of(model: keras.Model) -> list[keras.Model]:
    """Returns the networks that `side_by_side` was given."""
    return [each for each in model.layers if isinstance(each, keras.Model)]


def with_folds(splits: Sequence[Split], folds: int, seed: int) -> Split | None:
    """Returns the rows of splits as one, each with its fold.

    Args:
      splits: in the order of the rows.
      folds: how many; at least two.
      seed: another one gives other folds.

    Returns:
      None where the rows are not held in memory, or are all alike.
    """
    held = [each.columns for each in splits if each.columns is not None]
    if len(held) < len(splits):
        return None
    columns = {name: tf.concat([each[name] for each in held], axis=0) for name in held[0]}
    labels = np.concatenate([each.labels for each in splits])
    fold = folds_of(_table(columns), folds, seed)
    if not fold.any():
        return None
    # The stream stays that of the first one: rows in memory are never read from it again.
    return dataclasses.replace(
        splits[0], labels=labels, columns={**columns, FOLD: tf.constant(fold)}
    )


def _table(columns: dict[str, tf.Tensor]) -> Any:
    flat = [np.asarray(each, "float32").reshape(len(each), -1) for each in columns.values()]
    return np.concatenate(flat, axis=1)
