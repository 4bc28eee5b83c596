"""Transformed Examples to batches for training.

A split that fits into memory is held there as whole tensors, and a batch is gathered by row number;
a larger one is read again on every pass, and shuffled within windows of rows. The order of a pass
depends on the seed and the pass's number alone, so that a training may go on in the middle. Nothing
here handles a single row at a time. To read another format, return a `Split` from your own
`read_split`.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from beltline.models.features import Features
from beltline.models.labels import UNKNOWN

Array = npt.NDArray[Any]
Columns = dict[str, tf.Tensor]
Target = Callable[[Any, tf.Tensor], tuple[Any, ...]]

MEMORY = 2_000_000_000  # bytes of one split that are held in memory
PARSED_AT_ONCE = 4096
_BUFFER = 1 << 20  # bytes of a file that are read at once
SHUFFLED = 65_536  # rows among which a split is shuffled that isn't held in memory
AHEAD = 8
"""Batches that are made at once, and kept ready for the steps to come."""
_ORDERS = 1024  # orders that passes without a number take turns in


@dataclasses.dataclass(frozen=True)
class Split:
    """The labelled rows of one split."""

    labels: Array
    """`[n]`, as `labels.py` makes them; rows without a known label are left out."""
    columns: Columns | None
    """The inputs, `[n, …]` each, or None where they are too large for memory."""
    stream: tf.data.Dataset
    """Batches of `(inputs, labels)` from the files, by turns, in an order that stays the same."""

    def steps(self, size: int) -> int:
        """Returns the number of batches in one epoch."""
        return math.ceil(len(self.labels) / size)

    def batches(
        self, size: int, target: Target, seed: int | None = None, passes: range | None = None
    ) -> tf.data.Dataset:
        """Returns the split as batches of `target(inputs, labels)`.

        Args:
          size: rows per batch; the last one of a pass may be smaller.
          target: makes what Keras' `fit` takes of the inputs and the labels.
          seed: shuffles; None keeps the order.
          passes: the numbers of the passes to make, one after another: a pass has the same order
            whichever was the first. None makes one, in another order each time it is iterated.
        """
        numbers = _numbers(seed, passes)
        of_pass = self._from_files if self.columns is None else self._from_memory
        batches = mapped_by(of_pass(numbers, size, seed), target)
        if passes is None:
            batches = batches.apply(tf.data.experimental.assert_cardinality(self.steps(size)))
        return batches.prefetch(AHEAD).with_options(_untuned())

    def _from_memory(self, numbers: tf.data.Dataset, size: int, seed: int | None) -> Any:
        rows = len(self.labels)

        def indices(number: tf.Tensor) -> tf.data.Dataset:
            order = _order(rows, seed, number)
            steps = tf.data.Dataset.range(self.steps(size))
            return _plainly(steps, lambda step: order[step * size : (step + 1) * size])

        with tf.device("CPU:0"):
            whole = tf.data.Dataset.from_tensors((self.columns, tf.constant(self.labels)))
        # A function that captured the tensors would be copied with them on every pass.
        paired = tf.data.Dataset.zip(_flat(numbers, indices), whole.repeat())
        return mapped_by(
            paired,
            lambda index, data: tf.nest.map_structure(lambda t: tf.gather(t, index), data),
        )

    def _from_files(self, numbers: tf.data.Dataset, size: int, seed: int | None) -> Any:
        if seed is None:
            return self.stream.rebatch(size)
        windows = self.stream.rebatch(SHUFFLED).enumerate()

        def shuffled(number: tf.Tensor) -> tf.data.Dataset:
            def mixed(window: tf.Tensor, data: Any) -> Any:
                rows = tf.shape(data[1], tf.int64)[0]
                # Another order in each window of each pass; no pass has a million windows.
                order = _order(rows, seed, number * 1_000_000 + window)
                return tf.nest.map_structure(lambda t: tf.gather(t, order), data)

            return _plainly(windows, mixed).rebatch(size)

        return _flat(numbers, shuffled)


def read_split(
    patterns: Sequence[str],
    transform: tft.TFTransformOutput,
    features: Features,
    shares: int = 1,
    share: int = 0,
) -> Split:
    """Opens the files of one split and reads its labels, and its inputs if memory holds them.

    Args:
      patterns: gzipped TFRecord files, as TFX passes them.
      transform: says how the Examples are stored.
      features: says which tensors are there.
      shares: into how many shares the rows of each file go, by turns.
      share: which of them to read.
    """
    spec = transform.transformed_feature_spec()
    stream = _labelled(_parsed(patterns, spec, shares, share), features)
    labels, columns = _read(stream)
    return Split(labels, columns, stream)


def files_of(patterns: Sequence[str]) -> list[str]:
    """Returns the files that the patterns name, in the order in which they are read."""
    return sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))


def mapped_by(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    """Returns the dataset with `function` applied to each element, in parallel and in order."""
    # Nothing here branches on a tensor, and AutoGraph's rewriting costs more than the tracing.
    plain = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(plain, num_parallel_calls=AHEAD)


def _plainly(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    return dataset.map(tf.autograph.experimental.do_not_convert(function))


def _flat(numbers: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    return numbers.flat_map(tf.autograph.experimental.do_not_convert(function))


def _untuned() -> tf.data.Options:
    """Returns options without autotuning: the parallelism above is enough for rows in memory.

    TensorFlow's model of what could be tuned grows with each step, and the end of an iterator
    waits for the tuning: up to 15 seconds after 1,800 steps.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _numbers(seed: int | None, passes: range | None) -> tf.data.Dataset:
    if passes is not None:
        return tf.data.Dataset.range(passes.start, passes.stop)
    if seed is None:
        return tf.data.Dataset.range(1)
    return tf.data.Dataset.range(_ORDERS).shuffle(_ORDERS, seed=seed).take(1)


def _order(rows: Any, seed: int | None, number: tf.Tensor) -> tf.Tensor:
    """Returns the row numbers of one pass."""
    in_order = tf.range(rows, dtype=tf.int64)
    if seed is None:
        return in_order
    key = tf.stack([tf.constant(seed, tf.int64), number])
    return tf.random.experimental.stateless_shuffle(in_order, key)


def _read(stream: tf.data.Dataset) -> tuple[Array, Columns | None]:
    """Reads the labels, and the inputs as long as memory holds them; one pass."""
    labels: list[Array] = []
    inputs: dict[str, list[tf.Tensor]] | None = {}
    size = 0
    with tf.device("CPU:0"):
        for columns, label in stream:
            labels.append(label.numpy())
            size += sum(
                column.shape.num_elements() * column.dtype.size for column in columns.values()
            )
            if inputs is None or size > MEMORY:
                inputs = None
                continue
            for name, column in columns.items():
                inputs.setdefault(name, []).append(column)
        joined = np.concatenate(labels) if labels else np.zeros(0)
        return joined, _joined(inputs) if inputs else None


def _joined(parts: dict[str, list[tf.Tensor]]) -> Columns:
    """Joins one column after another, each time giving up its parts: all twice is too much."""
    return {name: tf.concat(parts.pop(name), axis=0) for name in list(parts)}


def _parsed(
    patterns: Sequence[str], spec: dict[str, Any], shares: int, share: int
) -> tf.data.Dataset:
    files = files_of(patterns)

    def batches_of(file: tf.Tensor) -> tf.data.Dataset:
        rows = tf.data.TFRecordDataset(file, "GZIP", _BUFFER)
        return rows.shard(shares, share).batch(PARSED_AT_ONCE)

    # Files in parallel by whole batches: TFRecordDataset's own `num_parallel_reads` hands over each
    # record by itself, which takes fifteen times as long as to read it.
    together = min(AHEAD, len(files) or 1)
    batches = tf.data.Dataset.from_tensor_slices(tf.constant(files, tf.string)).interleave(
        tf.autograph.experimental.do_not_convert(batches_of),
        cycle_length=together,
        num_parallel_calls=together,
        deterministic=True,
    )
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
