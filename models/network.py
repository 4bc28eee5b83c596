"""The network: several perceptrons in one, on encoded numbers and embedded categories.

Made of `keras.layers` and `keras.ops` alone, so that it runs on any Keras backend. To use another
one, write a function with the signature of `build_network` and name it in the settings as
`model.network_fn`; its hyperparameters are the section `model`, overridden by a Tuner's choices.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from beltline.models.features import Features
from beltline.models.members import MemberDense, Together

PIECES = 64
ALL_PIECES = 4096
END = 2.6  # normal scores reach about so far to both sides
PIECE_VALUES = 12
ALL_PIECE_VALUES = 2048
EMBEDDING_SIZES = (2, 4, 8, 16, 32, 64, 128)


def build_network(
    features: Features, vocabulary_sizes: Sequence[int], hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Returns an untrained network.

    Args:
      features: the inputs and the label.
      vocabulary_sizes: how many indices each category column has.
      hyperparameters: `members` (how many perceptrons), `hidden` (units of each of their layers),
        `dropout` (share), `embedding` (most dimensions of a category), and optionally
        `output_bias`, the outputs' initial values.

    Returns:
      A model of `{"numeric": [n, w], "missing": [n, d], "categories": [n, k]}`, less what the
      features lack. Its output is `[n, 1]` (binary: the log-odds of the positive class;
      regression: the standardised label) or `[n, classes]` (log-shares, not normalised); float32.
      In training it is the members' outputs, `[n, members, 1]` or `[n, members, classes]`.
    """
    inputs = network_inputs(features)
    parts = [inputs[name] for name in ("numeric", "missing") if name in inputs]
    if "numeric" in inputs:
        parts.append(in_pieces(inputs["numeric"], features.number_count))
    if "categories" in inputs:
        most = int(hyperparameters["embedding"])
        parts += embed(inputs["categories"], vocabulary_sizes, most)
    return keras.Model(inputs, perceptrons(parts, features, hyperparameters))


def perceptrons(
    parts: Sequence[keras.KerasTensor], features: Features, hyperparameters: Mapping[str, Any]
) -> keras.KerasTensor:
    """Returns the outputs that the members make of encoded inputs.

    Args:
      parts: each `[n, some width]`.
      features: the kind of label.
      hyperparameters: as of `build_network`.
    """
    x = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in hyperparameters["hidden"]:
        x = hidden_layer(x, units, hyperparameters["members"], hyperparameters["dropout"])
    return output_layer(x, features, hyperparameters.get("output_bias"))


def network_inputs(features: Features) -> dict[str, keras.KerasTensor]:
    """Returns the inputs by name, as `preprocessing.py` makes them."""
    inputs = {}
    if features.number_count:
        inputs["numeric"] = keras.Input((features.numeric_width,), name="numeric")
        inputs["missing"] = keras.Input((features.number_count,), name="missing")
    if features.categorical:
        shape = (len(features.categorical),)
        inputs["categories"] = keras.Input(shape, dtype="int64", name="categories")
    return inputs


def in_pieces(numeric: keras.KerasTensor, columns: int) -> keras.KerasTensor:
    """Returns a learned piecewise-linear embedding of each number.

    The range of a normal score is cut into equal pieces; a number fills those below it, and these
    are mixed by weights of its own (Gorishniy et al., "On Embeddings for Numerical Features in
    Tabular Deep Learning", NeurIPS 2022). The paper cuts at quantiles, each with the same share
    of the rows; equal parts of the score are finer at both ends, where what is rare happens.

    Args:
      numeric: `[n, w]`; the first `columns` of it, each number's first encoding, are used.
      columns: how many numbers there are.

    Returns:
      `[n, columns * e]`; fewer pieces and values of each number where there are hundreds of them.
    """
    count = min(PIECES, max(8, ALL_PIECES // columns))
    size = min(PIECE_VALUES, max(2, ALL_PIECE_VALUES // columns))
    position = (numeric[:, :columns] / END + 1) / 2 * count
    starts = np.arange(count, dtype="float32")
    pieces = keras.ops.clip(keras.ops.expand_dims(position, -1) - starts, 0, 1)
    mixed = keras.layers.EinsumDense(
        "ncp,cpe->nce",
        output_shape=(columns, size),
        bias_axes="ce",
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(stddev=count**-0.5),
        name="pieces",
    )(pieces)
    return keras.layers.Flatten()(mixed)


def embed(
    categories: keras.KerasTensor, vocabulary_sizes: Sequence[int], most: int
) -> list[keras.KerasTensor]:
    """Embeds each category column; columns of the same dimension share one table.

    Hundreds of columns so need a handful of operations. Each keeps its own rows of the table.
    """
    dimensions = [embedding_size(size, most) for size in vocabulary_sizes]
    parts = []
    for dimension in sorted(set(dimensions)):
        columns = [i for i, other in enumerate(dimensions) if other == dimension]
        sizes = [vocabulary_sizes[i] for i in columns]
        offsets = np.cumsum([0, *sizes[:-1]]).astype("int64")
        index = keras.ops.take(categories, np.array(columns), axis=1) + offsets
        table = keras.layers.Embedding(sum(sizes), dimension, name=f"embedding_{dimension}")
        parts.append(keras.layers.Flatten()(table(index)))
    return parts


def embedding_size(values: int, most: int) -> int:
    """Returns the dimensions for a number of values: a power of two, growing like the root."""
    wanted = min(most, math.ceil(1.6 * values**0.56), values)
    return next((size for size in EMBEDDING_SIZES if size >= wanted), EMBEDDING_SIZES[-1])


def hidden_layer(
    x: keras.KerasTensor, units: int, members: int, dropout: float
) -> keras.KerasTensor:
    """Returns a dense layer of every member, with a smooth activation.

    No normalisation: the inputs are already on one scale.

    Args:
      x: `[n, f]` for the first layer, then `[n, members, f]`.
      units: the layer's width.
      members: how many perceptrons.
      dropout: share of the units that are left out in a step.

    Returns:
      `[n, members, units]`.
    """
    x = MemberDense(units, members)(x)
    return keras.layers.Dropout(dropout)(keras.layers.Activation("silu")(x))


def output_layer(
    x: keras.KerasTensor, features: Features, bias: Sequence[float] | None
) -> keras.KerasTensor:
    """Returns the outputs, in float32 whatever the precision of the layers before.

    Args:
      x: `[n, f]`, or `[n, m, f]` of m members, whose answers are averaged outside of training.
      features: the kind of label.
      bias: the outputs' initial values.
    """
    units = len(features.classes) if features.task == "multiclass" else 1
    start = np.zeros(units) if bias is None else np.array(bias)
    if len(x.shape) == 2:
        return _output("nf,fu->nu", (units,), start)(x)
    members = x.shape[1]
    answers = _output("nmf,mfu->nmu", (members, units), np.tile(start, (members, 1)))(x)
    return Together(features.task)(answers)


def _output(equation: str, shape: tuple[int, ...], bias: npt.NDArray[Any]) -> keras.layers.Layer:
    return keras.layers.EinsumDense(
        equation,
        output_shape=shape,
        bias_axes="mu" if len(shape) == 2 else "u",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",
        name="output",
    )
