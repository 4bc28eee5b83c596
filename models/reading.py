"""Transformed Examples to batches for training.

A split that fits into memory is held there as whole arrays, and a batch is gathered by row number;
a larger one is read again on every pass. Both shuffle with a seed and give the same batches every
time. To read another format, return a `Split` from your own `read_split`.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from models.features import Features
from models.labels import UNKNOWN

Array = npt.NDArray[Any]
Target = Callable[[Any, tf.Tensor], tuple[Any, ...]]

MEMORY = 2_000_000_000  # bytes of one split that are held in memory
PARSED_AT_ONCE = 4096
SHUFFLED = 65_536  # rows among which a split is shuffled that isn't held in memory


@dataclasses.dataclass(frozen=True)
class Split:
    """The labelled rows of one split."""

    labels: Array
    """`[n]`, as `labels.py` makes them; rows without a known label are left out."""
    columns: dict[str, Array] | None
    """The inputs, or None where they are too large for memory."""
    stream: tf.data.Dataset
    """Batches of `(inputs, labels)` from the files, in their order."""

    def batches(self, size: int, target: Target, seed: int | None = None) -> tf.data.Dataset:
        """The split as batches of `target(inputs, labels)`.

        Args:
          size: rows per batch; the last one may be smaller.
          target: makes what Keras' `fit` takes of the inputs and the labels.
          seed: shuffles anew on every pass; None keeps the order.
        """
        if self.columns is None:
            batches = self._from_files(size, seed)
        else:
            batches = self._from_memory(self.columns, size, seed)
        mapped = mapped_by(batches, target)
        return mapped.prefetch(tf.data.AUTOTUNE)

    def _from_memory(
        self, columns: dict[str, Array], size: int, seed: int | None
    ) -> tf.data.Dataset:
        tensors = {name: tf.constant(column) for name, column in columns.items()}
        labels = tf.constant(self.labels)
        rows = tf.data.Dataset.range(len(self.labels))
        if seed is not None:
            rows = rows.shuffle(len(self.labels), seed=seed)
        return mapped_by(
            rows.batch(size),
            lambda index: (
                {name: tf.gather(tensor, index) for name, tensor in tensors.items()},
                tf.gather(labels, index),
            ),
        )

    def _from_files(self, size: int, seed: int | None) -> tf.data.Dataset:
        rows = self.stream.unbatch()
        if seed is not None:
            rows = rows.shuffle(SHUFFLED, seed=seed)
        steps = math.ceil(len(self.labels) / size)
        return rows.batch(size).apply(tf.data.experimental.assert_cardinality(steps))


def read_split(
    patterns: Sequence[str], transform: tft.TFTransformOutput, features: Features
) -> Split:
    """Opens the files of one split and reads its labels, and its inputs if memory holds them.

    Args:
      patterns: gzipped TFRecord files, as TFX passes them.
      transform: says how the Examples are stored.
      features: says which tensors are there.
    """
    spec = transform.transformed_feature_spec()
    stream = _labelled(_parsed(patterns, spec), features)
    labels, columns = _read(stream)
    return Split(labels, columns, stream)


def mapped_by(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """The dataset with `function` applied to each element, several at once, in their order."""
    # Nothing here branches on a tensor, and AutoGraph's rewriting costs more than the tracing.
    plain = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(plain, num_parallel_calls=tf.data.AUTOTUNE)


def _read(stream: tf.data.Dataset) -> tuple[Array, dict[str, Array] | None]:
    """Reads the labels, and the inputs as long as memory holds them; one pass."""
    labels: list[Array] = []
    inputs: list[dict[str, Array]] | None = []
    size = 0
    for columns, label in stream.as_numpy_iterator():
        labels.append(label)
        size += sum(column.nbytes for column in columns.values())
        if inputs is not None and size <= MEMORY:
            inputs.append(columns)
        else:
            inputs = None
    joined = np.concatenate(labels) if labels else np.zeros(0)
    if not inputs:
        return joined, None
    return joined, {name: np.concatenate([b[name] for b in inputs]) for name in inputs[0]}


def _parsed(patterns: Sequence[str], spec: dict[str, Any]) -> tf.data.Dataset:
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, "GZIP", num_parallel_reads=min(8, len(files) or 1))
    batches = records.batch(PARSED_AT_ONCE)
    return mapped_by(batches, lambda batch: tf.io.parse_example(batch, spec))


def _labelled(parsed: tf.data.Dataset, features: Features) -> tf.data.Dataset:
    def keep(row: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        label = row.pop("label")
        if features.task == "regression":
            known = tf.math.is_finite(label)
        else:
            known = tf.not_equal(label, UNKNOWN)
        columns = {name: tf.boolean_mask(column, known) for name, column in row.items()}
        return columns, tf.boolean_mask(label, known)

    return mapped_by(parsed, lambda row: keep(dict(row)))
