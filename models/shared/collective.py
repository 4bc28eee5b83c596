"""What all processes of a training compute together, within TensorFlow.

TensorFlow's `MultiWorkerMirroredStrategy` connects the processes by gRPC, and sees when one of them
dies. Its scope is not used: Keras' `fit` fails in it (Keras 3.15, TensorFlow 2.21: a value of each
replica is taken for a tensor).
"""

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_SECONDS = 20.0  # for a connection
_GROUP = 7_001
_TOTAL, _COUNTS, _SLICES = _KINDS = range(3)  # of what the group computes


def reserved() -> socket.socket:
    """Returns a socket with a free port, which is kept until the socket is closed."""
    port = socket.socket()
    port.bind(("", 0))
    return port


def reach(workers: Sequence[str]) -> None:
    """Connects to the ports of all processes, where each has to listen.

    TensorFlow would wait for an hour, and not say for what.

    Raises:
      RuntimeError: one can't be reached.
    """
    for address in workers:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), _SECONDS).close()
        except OSError as error:
            raise RuntimeError(
                f"the process at {address} can't be reached from {socket.gethostname()} ({error}): "
                "open the ports between the workers' machines"
            ) from None


def addresses(hosts: Sequence[str], ports: Sequence[int]) -> list[str]:
    """Returns the IPv4 addresses with ports of processes on these hosts."""
    found = [socket.gethostbyname(host) for host in hosts]
    return [f"{host}:{port}" for host, port in zip(found, ports, strict=True)]


class Collective:
    """The processes that add up.

    It must be made before TensorFlow has computed anything.

    Args:
      rank: the number of this process.
      workers: addresses of all of them in the order of their ranks.
    """

    def __init__(self, rank: int, workers: Sequence[str]) -> None:
        # A site's proxy is for what leaves the site: gRPC would send these connections there, too.
        os.environ["no_grpc_proxy"] = ",".join(  # noqa: SIM112 - gRPC's name
            each.rpartition(":")[0] for each in workers
        )
        task = {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
        # It looks after the connections as long as it is there.
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self._size = len(workers)

    def total(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the vectors of all processes, the same bits in each of them."""
        return self._reduced(values, _TOTAL)

    def slices(self, own: Sequence[tf.IndexedSlices]) -> list[tf.IndexedSlices]:
        """Returns the slices of all processes, in the order of the ranks.

        They are not added up: Keras squares each slice by itself (3.15), where several are of the
        same row of a variable, and so would find other squares.
        """
        if not own:
            return []
        counts = [tf.shape(each.indices)[0] for each in own]
        most = tf.unstack(self._reduced(tf.stack(counts), _COUNTS), len(own))
        packed: list[tf.Tensor] = []
        for each, count, longest in zip(own, counts, most, strict=True):
            zeros = [[0, longest - count], [0, 0]]
            flat = tf.reshape(each.values, [count, -1])
            # As bits among the values: nobody computes with them on the way.
            index = tf.bitcast(tf.cast(each.indices, tf.int32), tf.float32)[:, tf.newaxis]
            packed.append(tf.reshape(tf.pad(tf.concat([flat, index], axis=1), zeros), [-1]))
        whole = tf.concat(packed, axis=0)
        with tf.device("CPU:0"):
            gathered = tf.raw_ops.CollectiveGatherV2(input=whole, **self._group(_SLICES, whole))
        lengths = tf.stack([tf.size(each) for each in packed])
        parts = tf.split(tf.reshape(gathered, [self._size, -1]), lengths, axis=1, num=len(own))
        return [_unpacked(*each) for each in zip(parts, own, strict=True)]

    def _reduced(self, values: tf.Tensor, kind: int) -> tf.Tensor:
        operation = "Max" if kind == _COUNTS else "Add"
        with tf.device("CPU:0"):
            return tf.raw_ops.CollectiveReduceV2(
                input=values, merge_op=operation, final_op="Id", **self._group(kind, values)
            )

    def _group(self, kind: int, values: tf.Tensor) -> dict[str, Any]:
        # TensorFlow wants the same shape each time from what has the same key.
        key = len(_KINDS) * tf.size(values) + kind
        group = {"group_size": self._size, "group_key": _GROUP, "instance_key": key}
        return {**group, "ordering_token": [], "communication_hint": "auto"}


def _unpacked(part: tf.Tensor, own: tf.IndexedSlices) -> tf.IndexedSlices:
    shape = own.values.shape[1:]
    rows = tf.reshape(part, [-1, shape.num_elements() + 1])
    indices = tf.cast(tf.bitcast(rows[:, -1], tf.int32), own.indices.dtype)
    return tf.IndexedSlices(tf.reshape(rows[:, :-1], [-1, *shape]), indices, own.dense_shape)
