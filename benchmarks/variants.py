"""Networks without one part of the default, for `ablations.py`.

It copies this file beside a set's `pipeline.yaml`, as a user's own network would stand there. To
add one, write a function with the signature of `models.network.build_network`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from models.features import Features
from models.network import embed, network_inputs, perceptrons


def without_pieces(
    features: Features, vocabulary_sizes: Sequence[int], hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """Numbers as their two encodings alone, without a curve of each."""
    inputs = network_inputs(features)
    parts = [inputs[name] for name in ("numeric", "missing") if name in inputs]
    if "categories" in inputs:
        parts += embed(inputs["categories"], vocabulary_sizes, int(hyperparameters["embedding"]))
    return keras.Model(inputs, perceptrons(parts, features, hyperparameters))
