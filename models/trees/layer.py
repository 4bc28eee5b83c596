"""A forest as a Keras layer of plain TensorFlow operations, in one of two ways.

`MaskedForest` looks each column's value up, for all trees at once: some ten times as fast where
trees split on few columns. `WalkedForest` goes down all trees at once, a level at a time: a handful
of gathers for each level, however many columns there are. `forest_layer` chooses.

The leaves are added in float64, so that thousands of trees give what the library that trained them
says. TensorFlow's own gathers: `keras.ops.take` puts six operations for negative indices around
each, which a request for one row would feel.
"""

import functools
from typing import Any

import keras
import tensorflow as tf

from beltline.models.trees.forest import BITS, Forest
from beltline.models.trees.masks import Masks, masks_of

NEXT_TO_ZERO = 1e-35
"""LightGBM takes numbers so small for 0, and its thresholds lie at the ends of that range."""
MOST_COLUMNS = 128
"""Where trees split on more, masks would be slower than a walk."""
MOST_BYTES = 64 << 20
"""Larger masks would outweigh what they save."""


def forest_layer(forest: Forest, **kwargs: Any) -> keras.layers.Layer:
    """Returns the layer that answers faster."""
    masks = masks_of(forest)
    if len(masks.columns) <= MOST_COLUMNS and masks.size <= MOST_BYTES:
        return MaskedForest(forest, masks, **kwargs)
    return WalkedForest(forest, **kwargs)


class ForestLayer(keras.layers.Layer):
    """Maps a table `[n, F]` float32, NaN where a value is missing, to outputs `[n, u]` float64.

    Args:
      forest: the trees. Their arrays become weights that are not trained.
    """

    def __init__(self, forest: Forest, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self._outputs = forest.outputs
        self._start = self._kept("start", forest.start)

    def _sum(self, said: tf.Tensor) -> tf.Tensor:
        """Returns the outputs; those that are `outputs` apart are of the same one."""
        each = tf.reshape(said, (-1, said.shape[-1] // self._outputs, self._outputs))
        return tf.reduce_sum(each, axis=1) + self._start.value

    def _kept(self, name: str, array: Any) -> keras.Variable:
        return self.add_weight(
            shape=array.shape,
            dtype=str(array.dtype),
            initializer=lambda shape, dtype: tf.constant(array, dtype),
            trainable=False,
            autocast=False,
            name=name,
        )


class MaskedForest(ForestLayer):
    """Looks up what each column's value leaves of all leaves.

    Args:
      forest: the trees.
      masks: theirs.
    """

    def __init__(self, forest: Forest, masks: Masks, **kwargs: Any) -> None:
        super().__init__(forest, **kwargs)
        self._numbers = len(masks.thresholds)
        self._columns, self._unknown = masks.columns, masks.unknown
        self._first = masks.first
        self._thresholds = self._kept("thresholds", masks.thresholds)
        self._rows = self._kept("rows", masks.rows)
        self._words = self._kept("words", masks.words)
        self._leaves = self._kept("leaves", masks.leaves)
        self._value = self._kept("value", masks.value.reshape(-1))

    def call(self, table: tf.Tensor) -> tf.Tensor:
        """Adds up what the trees say."""
        rows = tf.gather(self._rows.value, self._codes(table))
        masks = [tf.gather(self._words.value, each) for each in tf.unstack(rows)]
        # Trees without a split have no column that gives the rows their number.
        left = tf.broadcast_to(self._leaves.value, (tf.shape(table)[0], *self._leaves.shape))
        left = functools.reduce(tf.bitwise.bitwise_and, masks, left)
        words = self._leaves.shape[0] * self._leaves.shape[1]
        leaf = _place_of_bit(tf.reshape(left, (-1, words)))
        return self._sum(tf.gather(self._value.value, leaf + tf.range(words) * (BITS + 1)))

    def _codes(self, table: tf.Tensor) -> tf.Tensor:
        """Returns the place in `rows` of each value that is asked for, `[A + C, n]`."""
        values, unknown = tf.transpose(tf.gather(table, self._columns, axis=1)), self._unknown
        numbers, ids = values[: self._numbers], values[self._numbers :]
        codes = [tf.zeros((0, tf.shape(table)[0]), tf.int32)]
        if self._numbers:
            codes.append(self._codes_of_numbers(numbers, unknown[: self._numbers, None]))
        if self._numbers < len(unknown):
            codes.append(_codes_of_ids(ids, unknown[self._numbers :, None]))
        return tf.concat(codes, axis=0) + self._first[:, None]

    def _codes_of_numbers(self, numbers: tf.Tensor, missing: Any) -> tf.Tensor:
        zeroed = tf.where(tf.abs(numbers) <= NEXT_TO_ZERO, 0.0, numbers)
        below = tf.searchsorted(self._thresholds.value, zeroed)
        return tf.where(tf.math.is_nan(numbers), missing, below)


class WalkedForest(ForestLayer):
    """Goes down from the roots of all trees.

    Args:
      forest: the trees.
    """

    def __init__(self, forest: Forest, **kwargs: Any) -> None:
        super().__init__(forest, **kwargs)
        self._depth, self._trees = forest.depth, len(forest.roots)
        sets, self._words_of_set = forest.words.shape
        self._categories_from = 2 * forest.columns if sets else None
        self._nodes = self._kept("nodes", forest.nodes)
        self._value = self._kept("value", forest.value)
        self._roots = self._kept("roots", forest.roots)
        if sets:
            self._words = self._kept("words", forest.words.reshape(-1))

    def call(self, table: tf.Tensor) -> tf.Tensor:
        """Adds up what the trees say."""
        values, rows = _three_ways(table), tf.shape(table)[0]
        at = tf.broadcast_to(self._roots.value, (rows, self._trees))
        for _ in range(self._depth):
            at = self._child(values, at)
        return self._sum(tf.gather(self._value.value, at))

    def _child(self, values: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
        """Returns the nodes `[n, T]` below those."""
        place, threshold, right = tf.unstack(tf.gather(self._nodes.value, at), axis=-1)
        value = tf.gather(values, tf.cast(place, tf.int32), batch_dims=1)
        # Of NaN it is false. Its negation would not do: TensorFlow makes `value > threshold` of it.
        is_left = value <= threshold
        if self._categories_from is not None:
            by_category = place >= self._categories_from
            is_left = tf.where(by_category, self._is_in(value, threshold, by_category), is_left)
        return tf.cast(right, tf.int32) - tf.cast(is_left, tf.int32)

    def _is_in(self, ids: tf.Tensor, numbers: tf.Tensor, meant: tf.Tensor) -> tf.Tensor:
        """Returns whether each category is in the set of its number; of interest where meant."""
        last = self._words_of_set * BITS - 1
        # The last bit is 0, and stands for what is no category. -0.5 is one, as in C.
        known = meant & (ids > -1) & (ids < last)
        whole = tf.cast(tf.where(known, ids, float(last)), tf.int32)
        first = tf.cast(tf.where(meant, numbers, 0.0), tf.int32) * self._words_of_set
        word = tf.gather(self._words.value, first + whole // BITS)
        return tf.bitwise.bitwise_and(tf.bitwise.right_shift(word, whole % BITS), 1) == 1


def _three_ways(table: tf.Tensor) -> tf.Tensor:
    """Returns the table `[n, 3 F]`: missing values as -inf, as NaN, and as no category."""
    table = tf.where(tf.abs(table) <= NEXT_TO_ZERO, 0.0, table)
    low = tf.where(tf.math.is_nan(table), float("-inf"), table)
    return tf.concat([low, table, low], axis=1)


def _codes_of_ids(ids: tf.Tensor, unknown: Any) -> tf.Tensor:
    # -0.5 is a category, as in C. Of NaN both comparisons are false.
    known = (ids > -1) & (ids < unknown)
    return tf.where(known, tf.cast(tf.where(known, ids, 0.0), tf.int32), unknown)


def _place_of_bit(words: tf.Tensor) -> tf.Tensor:
    """Returns 0 for a word without a bit, else one more than the place of its only bit."""
    # A power of two as float32 has its place in the exponent, whose bias is 127.
    bits = tf.bitcast(tf.cast(words, tf.float32), tf.int32)
    exponent = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, 23), 255)
    return tf.maximum(exponent - 126, 0)
