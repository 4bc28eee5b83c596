"""Raw columns to the few wide tensors that the network reads; the same graph serves requests.

    numeric     [n, Features.numeric_width] float32, missing values at 0
    missing     [n, Features.number_count] float32, 1 where there was no value
    categories  [n, columns used as categories] int64: 0 is missing, then the values that the schema
                lists or, where it lists none, those of the training rows from the most frequent
                one on, then the out-of-vocabulary buckets
    label       [n], see `labels.py`

`numeric` and `missing`, or `categories`, are left out where no column is used so. The numbers of
timestamps come last. All lie side by side in one tensor and are analysed at once: hundreds of
columns cost little more than one.

To replace it, name a function of your own in the settings as `model.preprocessing_fn`. If it keeps
these outputs, the rest keeps working.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from beltline.models import encoding
from beltline.models.config import features_from_config
from beltline.models.features import Features
from beltline.models.labels import label_values
from beltline.models.tables import side_by_side
from beltline.models.vocabulary import learn, learnt_sizes, with_place

Inputs = Mapping[str, tf.SparseTensor]

# 99 quantiles, each off by at most 0.1 % of the rows.
QUANTILES = 100
EPSILON = 0.001


def preprocessing_fn(inputs: Inputs, custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transforms raw columns: TF Transform's entry point.

    Args:
      inputs: raw columns by name, at most one value per row.
      custom_config: its section `features` says which columns are used as what.

    Returns:
      The tensors listed above.
    """
    features = features_from_config(custom_config)
    outputs = {}
    if features.number_count:
        values = _numbers(inputs, features)
        outputs["numeric"] = _encode(values, features)
        outputs["missing"] = tf.cast(tf.math.is_nan(values), tf.float32)
    if features.categorical:
        outputs["categories"] = _categories(inputs, features)
    outputs["label"] = label_values(inputs[features.label], features)
    return outputs


def vocabulary_sizes(transform: tft.TFTransformOutput, features: Features) -> list[int]:
    """Returns how many indices each column of `categories` can have."""
    values = {name: len(features.domains[name]) for name in features.listed}
    if features.learnt:
        sizes = learnt_sizes(transform, len(features.learnt))
        values |= dict(zip(features.learnt, sizes, strict=True))
    return [1 + values[name] + features.out_of_vocabulary_buckets for name in features.categorical]


def _numbers(inputs: Inputs, features: Features) -> tf.Tensor:
    parts = []
    if features.numeric:
        columns = [inputs[name] for name in features.numeric]
        parts.append(side_by_side(columns, tf.float32, float("nan")))
    if features.timestamps:
        # In the bundle only then.
        from beltline.models.timestamps import timestamp_numbers

        parts.append(timestamp_numbers(inputs, features.timestamps))
    values = tf.concat(parts, axis=1) if len(parts) > 1 else parts[0]
    return tf.where(tf.math.is_finite(values), values, tf.constant(float("nan")))


def _encode(values: tf.Tensor, features: Features) -> tf.Tensor:
    if features.numbers == "zscore":
        mean = tft.mean(values, reduce_instance_dims=False)
        return encoding.zscore(values, mean, tft.var(values, reduce_instance_dims=False))
    quantiles = _quantiles(values)
    return tf.concat([encoding.rank(values, quantiles), encoding.robust(values, quantiles)], axis=1)


def _quantiles(values: tf.Tensor) -> tf.Tensor:
    """Returns quantiles `[d, QUANTILES - 1]`; 0 for a column without values when training."""
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
        columns.append(_indices(texts, *_look_up(texts, features), features))
    if features.learnt:
        written = [_written(inputs[name]) for name in features.learnt]
        texts = side_by_side(written, tf.string, "")
        columns.append(_indices(texts, *learn(texts, features.vocabulary_size), features))
    order = (*features.listed, *features.learnt)
    return tf.gather(tf.concat(columns, 1), [order.index(n) for n in features.categorical], axis=1)


def _look_up(texts: tf.Tensor, features: Features) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns places `[n, k]` of the listed columns' values or -1, and how many each has `[k]`.

    One table for all columns: one for each would cost seconds for hundreds of them.
    """
    domains = [features.domains[name] for name in features.listed]
    values = [f"{i}:{value}" for i, domain in enumerate(domains) for value in domain]
    places = [place for domain in domains for place in range(len(domain))]
    with tf.init_scope():
        entries = tf.lookup.KeyValueTensorInitializer(values, places, tf.string, tf.int64)
        table = tf.lookup.StaticHashTable(entries, default_value=-1)
    sizes = tf.constant([len(domain) for domain in domains], tf.int64)
    return table.lookup(with_place(texts)), sizes


def _indices(
    texts: tf.Tensor, places: tf.Tensor, sizes: tf.Tensor, features: Features
) -> tf.Tensor:
    """Returns `[n, k]`: 0 if missing, then the places, then the out-of-vocabulary buckets."""
    buckets = tf.strings.to_hash_bucket_fast(texts, features.out_of_vocabulary_buckets)
    known = tf.where(places < 0, sizes + buckets, places)
    return tf.where(texts == "", tf.zeros_like(known), known + 1)


def _written(column: tf.SparseTensor) -> tf.SparseTensor:
    if column.dtype == tf.string:
        return column
    return tf.SparseTensor(column.indices, tf.strings.as_string(column.values), column.dense_shape)
