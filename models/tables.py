"""Sparse columns, as Examples hold them, to dense tables and back."""

from collections.abc import Sequence

import tensorflow as tf


def side_by_side(
    columns: Sequence[tf.SparseTensor], dtype: tf.DType, default: float | str
) -> tf.Tensor:
    """Returns columns with at most one value per row, as one dense table.

    The number of operations depends only on the number of types among the columns: TF Transform
    rebuilds its graph many times, and operations for each of hundreds of columns add up.

    Args:
      columns: at least one; all with the same number of rows.
      dtype: type of the table; the columns' values are cast to it.
      default: stands where a column has no value.

    Returns:
      `[n, len(columns)]`, the columns in their order.
    """
    rows, places, values = [], [], []
    for kind in dict.fromkeys(column.dtype for column in columns):
        chosen = [i for i, column in enumerate(columns) if column.dtype == kind]
        same = [columns[i] for i in chosen]
        # Where each column's values end: far fewer operations than tf.repeat would make.
        ends = tf.cumsum(tf.concat(tf.shape_n([column.values for column in same]), axis=0))
        place = tf.searchsorted(ends, tf.range(ends[-1]), side="right")
        rows.append(tf.concat([column.indices for column in same], axis=0)[:, 0])
        places.append(tf.gather(tf.constant(chosen, tf.int64), place))
        found = tf.concat([column.values for column in same], axis=0)
        values.append(found if kind == dtype else tf.cast(found, dtype))
    shape = tf.stack([columns[0].dense_shape[0], len(columns)])
    indices = tf.stack([tf.concat(rows, axis=0), tf.concat(places, axis=0)], axis=1)
    empty = tf.fill(shape, tf.constant(default, dtype))
    table = tf.tensor_scatter_nd_update(empty, indices, tf.concat(values, axis=0))
    return tf.ensure_shape(table, [None, len(columns)])


def as_column(values: tf.Tensor, present: tf.Tensor) -> tf.SparseTensor:
    """Returns the column `[n, 1]` that has a value in the rows where `present` is true.

    Args:
      values: `[n]`.
      present: `[n]` bool.
    """
    rows = tf.where(present)
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = tf.stack([tf.shape(values, tf.int64)[0], 1])
    return tf.SparseTensor(indices, tf.boolean_mask(values, present), shape)
