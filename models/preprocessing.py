"""Raw columns to the few wide tensors that the network reads; the same graph serves requests.

    numeric     [n, Features.numeric_width] float32, missing values at 0
    missing     [n, columns used as numbers] float32, 1 where there was no value
    categories  [n, columns used as categories] int64: 0 is missing, then the values that the schema
                lists or, where it lists none, those of the training rows from the most frequent
                one on, then the out-of-vocabulary buckets
    label       [n], see `labels.py`

`numeric` and `missing`, or `categories`, are left out where no column is used so. All numbers lie
side by side in one tensor and are analysed at once: hundreds of columns cost little more than one.

To replace it, name a function of your own in the settings as `model.preprocessing_fn`. If it keeps
these outputs, the rest keeps working.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models import encoding
from models.features import Features, from_config
from models.labels import label_values
from models.tables import side_by_side

Inputs = Mapping[str, tf.SparseTensor]

# 99 quantiles, each off by at most 0.1 % of the rows.
QUANTILES = 100
EPSILON = 0.001


def preprocessing_fn(inputs: Inputs, custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """TF Transform's entry point.

    Args:
      inputs: raw columns by name, at most one value per row.
      custom_config: its section `features` says which columns are used as what.

    Returns:
      The tensors listed above.
    """
    features = from_config(custom_config)
    outputs = {}
    if features.numeric:
        values = _numbers(inputs, features)
        outputs["numeric"] = _encode(values, features)
        outputs["missing"] = tf.cast(tf.math.is_nan(values), tf.float32)
    if features.categorical:
        outputs["categories"] = _categories(inputs, features)
    outputs["label"] = label_values(inputs[features.label], features)
    return outputs


def vocabulary_name(index: int) -> str:
    """Vocabulary file of the category column at `index`; free of the column's own characters."""
    return f"category_{index}"


def vocabulary_sizes(transform: tft.TFTransformOutput, features: Features) -> list[int]:
    """How many indices each column of `categories` can have."""
    return [
        1 + _values(transform, features, index) + features.out_of_vocabulary_buckets
        for index in range(len(features.categorical))
    ]


def _values(transform: tft.TFTransformOutput, features: Features, index: int) -> int:
    name = features.categorical[index]
    if name in features.domains:
        return len(features.domains[name])
    return int(transform.vocabulary_size_by_name(vocabulary_name(index)))


def _numbers(inputs: Inputs, features: Features) -> tf.Tensor:
    values = side_by_side([inputs[name] for name in features.numeric], tf.float32, float("nan"))
    return tf.where(tf.math.is_finite(values), values, tf.constant(float("nan")))


def _encode(values: tf.Tensor, features: Features) -> tf.Tensor:
    if features.numbers == "zscore":
        mean = tft.mean(values, reduce_instance_dims=False)
        return encoding.zscore(values, mean, tft.var(values, reduce_instance_dims=False))
    quantiles = _quantiles(values)
    return tf.concat([encoding.rank(values, quantiles), encoding.robust(values, quantiles)], axis=1)


def _quantiles(values: tf.Tensor) -> tf.Tensor:
    """`[d, QUANTILES - 1]`; all 0 for a column without any value in the training rows."""
    # The analyzer leaves out a column that has no value at all and then fails on the shape, so
    # each batch gets a row of zeros that weighs next to nothing.
    weights = tf.concat([tf.ones_like(values[:, 0]), [1e-6]], axis=0)
    padded = tf.concat([values, tf.zeros_like(values[:1])], axis=0)
    padded = tf.ensure_shape(padded, [None, values.shape[1]])
    found = tft.quantiles(padded, QUANTILES, EPSILON, weights=weights, reduce_instance_dims=False)
    return tf.reshape(found, [values.shape[1], QUANTILES - 1])


def _categories(inputs: Inputs, features: Features) -> tf.Tensor:
    columns = []
    if features.listed:
        texts = side_by_side([inputs[name] for name in features.listed], tf.string, "")
        columns.append(_look_up(texts, features))
    if features.learnt:
        learnt = [_learn(inputs[name], name, features) for name in features.learnt]
        columns.append(side_by_side(learnt, tf.int64, -1) + 1)
    order = (*features.listed, *features.learnt)
    return tf.gather(tf.concat(columns, 1), [order.index(n) for n in features.categorical], axis=1)


def _look_up(texts: tf.Tensor, features: Features) -> tf.Tensor:
    """Indices `[n, k]` of the listed columns' values.

    One table for all columns: an analyzer for each would cost seconds for every one of them.
    """
    domains = [features.domains[name] for name in features.listed]
    keys = [f"{i}:{value}" for i, domain in enumerate(domains) for value in domain]
    values = [index for domain in domains for index in range(len(domain))]
    with tf.init_scope():
        entries = tf.lookup.KeyValueTensorInitializer(keys, values, tf.string, tf.int64)
        table = tf.lookup.StaticHashTable(entries, default_value=-1)
    prefix = tf.constant([f"{i}:" for i in range(len(domains))])
    found = table.lookup(tf.strings.join([tf.broadcast_to(prefix, tf.shape(texts)), texts]))
    buckets = tf.strings.to_hash_bucket_fast(texts, features.out_of_vocabulary_buckets)
    unlisted = tf.constant([len(domain) for domain in domains], tf.int64) + buckets
    return tf.where(texts == "", tf.zeros_like(found), tf.where(found < 0, unlisted, found) + 1)


def _learn(column: tf.SparseTensor, name: str, features: Features) -> tf.SparseTensor:
    if features.columns[name] == "integer":
        column = tf.SparseTensor(
            column.indices, tf.strings.as_string(column.values), column.dense_shape
        )
    return tft.compute_and_apply_vocabulary(
        column,
        top_k=features.vocabulary_size,
        num_oov_buckets=features.out_of_vocabulary_buckets,
        vocab_filename=vocabulary_name(features.categorical.index(name)),
    )
