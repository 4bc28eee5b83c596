"""A forest as a Keras layer of plain TensorFlow operations.

All rows walk down all trees at once, a level at a time: a handful of gathers for each level,
whatever the number of trees. The leaves are added in float64, so that thousands of trees give what
the library that trained them says.

TensorFlow's own gathers: `keras.ops.take` puts six operations for negative indices around each,
which a request for one row would feel.
"""

from typing import Any

import keras
import tensorflow as tf

from beltline.models.trees.forest import BITS, Forest

NEXT_TO_ZERO = 1e-35
"""LightGBM takes numbers so small for 0, and its thresholds lie at the ends of that range."""


class ForestLayer(keras.layers.Layer):
    """Maps a table `[n, F]` float32, NaN where a value is missing, to outputs `[n, u]` float64.

    Args:
      forest: the trees. Their arrays become weights that are not trained.
    """

    def __init__(self, forest: Forest, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self._outputs, self._depth = forest.outputs, forest.depth
        self._trees, (sets, self._words_of_set) = len(forest.roots), forest.words.shape
        self._categories_from = 2 * forest.columns if sets else None
        self._nodes = self._kept("nodes", forest.nodes)
        self._value = self._kept("value", forest.value)
        self._roots = self._kept("roots", forest.roots)
        self._start = self._kept("start", forest.start)
        if sets:
            self._words = self._kept("words", forest.words.reshape(-1))

    def call(self, table: tf.Tensor) -> tf.Tensor:
        """Adds up what the trees say."""
        values, rows = _three_ways(table), tf.shape(table)[0]
        at = tf.broadcast_to(self._roots.value, (rows, self._trees))
        for _ in range(self._depth):
            at = self._child(values, at)
        said = tf.gather(self._value.value, at)
        rounds = self._trees // self._outputs
        total = tf.reduce_sum(tf.reshape(said, (-1, rounds, self._outputs)), axis=1)
        return total + self._start.value

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

    def _kept(self, name: str, array: Any) -> keras.Variable:
        return self.add_weight(
            shape=array.shape,
            dtype=str(array.dtype),
            initializer=lambda shape, dtype: tf.constant(array, dtype),
            trainable=False,
            autocast=False,
            name=name,
        )


def _three_ways(table: tf.Tensor) -> tf.Tensor:
    """Returns the table `[n, 3 F]`: missing values as -inf, as NaN, and as no category."""
    table = tf.where(tf.abs(table) <= NEXT_TO_ZERO, 0.0, table)
    low = tf.where(tf.math.is_nan(table), float("-inf"), table)
    return tf.concat([low, table, low], axis=1)
