"""The label as a number: the index of its class, or the value itself.

The one place that turns a raw label into what the network learns, used at training (in the
Transform graph) and at evaluation (in the exported model). Classes are a fixed list, so that the
order of the outputs never depends on the data.
"""

import tensorflow as tf

from beltline.models.features import Features
from beltline.models.tables import side_by_side

UNKNOWN = -1
"""Index of a class label that is missing or isn't one of `Features.classes`."""


def label_spec(features: Features) -> tf.io.VarLenFeature:
    """Returns how the label is stored in a raw Example."""
    return tf.io.VarLenFeature(tf.float32 if features.task == "regression" else tf.string)


def label_values(label: tf.SparseTensor, features: Features) -> tf.Tensor:
    """Returns labels as numbers.

    Args:
      label: at most one value per row; bytes with the class's text, or float for a regression.
      features: the task and its classes.

    Returns:
      `[n]`. Classes: int64 indices, `UNKNOWN` where the label is missing or another class.
      Regression: float32, NaN where it is missing.
    """
    if features.task == "regression":
        return side_by_side([label], tf.float32, float("nan"))[:, 0]
    texts = side_by_side([label], tf.string, "")[:, 0]
    known = tf.stack([tf.equal(texts, name.encode()) for name in features.classes], axis=1)
    index = tf.argmax(tf.cast(known, tf.int32), axis=1)
    return tf.where(tf.reduce_any(known, axis=1), index, tf.constant(UNKNOWN, tf.int64))
