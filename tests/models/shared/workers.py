"""Workers, and networks, that a test wants to know more of, or to be other than usual."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from beltline.models import reading
from beltline.models.features import Features
from beltline.models.network import build_network, network_inputs, output_layer
from beltline.models.shared.worker import Worker

NOBODY = "http://127.0.0.1:9"


class Seen(Worker):
    """Tells of its network and its threads."""

    def seeds(self) -> list[list[int]]:
        """The states of the network's random generators."""
        variables = self._part[1]._network.variables
        return [each.numpy().tolist() for each in variables if "seed" in each.path]

    def threads(self) -> tuple[int, int]:
        """TensorFlow's."""
        found = tf.config.threading
        return (
            found.get_intra_op_parallelism_threads(),
            found.get_inter_op_parallelism_threads(),
        )

    def rows(self) -> list[int]:
        """How many it has read."""
        return [len(self.share.train.labels), len(self.share.validation.labels)]


def from_files(rank: int, size: int) -> Worker:
    """One whose rows don't fit into memory."""
    reading.MEMORY, reading.SHUFFLED = 0, 64
    return Worker(rank, size)


def behind_a_proxy(rank: int, size: int) -> Worker:
    """One whose site sends what goes out through a proxy, which is down."""
    os.environ.update(dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy"), NOBODY))
    return Worker(rank, size)


class Unreachable(Worker):
    """Names a port that nobody listens at."""

    def listen(self) -> int:
        return 9


class OfOneProcess(keras.layers.Layer):
    """Keeps the number of its process."""

    def build(self, shape: Any) -> None:
        self.kept = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            self.kept.assign(os.getpid())
        return x


def of_one_process(
    features: Features, vocabulary_sizes: Sequence[int], hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """A network that becomes another one in each process."""
    network = build_network(features, vocabulary_sizes, hyperparameters)
    return keras.Model(network.input, OfOneProcess()(network.output))


def normalized(
    features: Features, vocabulary_sizes: Sequence[int], hyperparameters: Mapping[str, Any]
) -> keras.Model:
    """A network that keeps averages of what it sees, with a penalty for its weights."""
    inputs = network_inputs(features)
    x = keras.layers.BatchNormalization(momentum=0.5)(inputs["numeric"])
    x = keras.layers.Dense(8, "silu", kernel_regularizer=keras.regularizers.L2(0.01))(x)
    return keras.Model(inputs, output_layer(x, features, hyperparameters["output_bias"]))
