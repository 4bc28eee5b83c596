"""Encodings of numbers for a network: centred on 0, a few units wide, without outliers.

Pure functions on whole tables `[n, d]` and on statistics of the training rows `[d]` or `[d, q]`;
NaN stands for a missing value and becomes 0, the place of the median or mean. To add an encoding,
write it here, choose it in `preprocessing.py` and give its width in `Features.numeric_width`.
"""

import math

import tensorflow as tf


def rank(values: tf.Tensor, quantiles: tf.Tensor) -> tf.Tensor:
    """Returns the standard normal score of each value's rank among the training rows.

    A value between two quantiles is interpolated, one that equals several (a frequent value) gets
    the middle of them, and one outside all of them the outermost.

    Args:
      values: `[n, d]` float32.
      quantiles: `[d, q]` float32, ascending in each row.

    Returns:
      `[n, d]` float32 within about ±2.6 for q = 99.
    """
    count = quantiles.shape[1]
    columns = tf.transpose(values)
    below = tf.searchsorted(quantiles, columns, side="left")
    up_to = tf.searchsorted(quantiles, columns, side="right")
    left = _at(quantiles, below - 1)
    right = _at(quantiles, below)
    part = tf.clip_by_value(tf.math.divide_no_nan(columns - left, right - left), 0.0, 1.0)
    between = tf.cast(below - 1, tf.float32) + part
    tied = tf.cast(below + up_to - 1, tf.float32) / 2
    position = tf.where(up_to > below, tied, between)
    share = (tf.clip_by_value(position, 0.0, count - 1.0) + 1) / (count + 1)
    return _or_zero(values, tf.transpose(math.sqrt(2) * tf.math.erfinv(2 * share - 1)))


def robust(values: tf.Tensor, quantiles: tf.Tensor) -> tf.Tensor:
    """Returns the distance from the median in interquartile ranges, smoothly kept within ±3.

    The scaling of RealMLP (Holzmüller et al., "Better by Default", NeurIPS 2024). Where half of
    the training values are equal, the range of the outer quantiles takes the place of the
    interquartile range; where that is 0 too, the result is 0.

    Args and returns: as `rank`.
    """
    count = quantiles.shape[1]
    low, median, high = (quantiles[:, round(count * share)] for share in (0.25, 0.5, 0.75))
    spread = tf.where(high > low, high - low, (quantiles[:, -1] - quantiles[:, 0]) / 2)
    return _or_zero(values, _smooth_clip(tf.math.divide_no_nan(values - median, spread)))


def zscore(values: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    """Returns the distance from the mean in standard deviations, cut at ±5; 0 if constant.

    The mean and the variance of a column without any value are NaN, its z-scores 0.

    Args:
      values: `[n, d]` float32.
      mean: `[d]`.
      variance: `[d]`.
    """
    scaled = tf.math.divide_no_nan(values - mean, tf.sqrt(variance))
    return _or_zero(values, tf.clip_by_value(scaled, -5.0, 5.0))


def _smooth_clip(values: tf.Tensor) -> tf.Tensor:
    limited = tf.clip_by_value(values, -1e6, 1e6)
    return limited / tf.sqrt(1 + tf.square(limited / 3))


def _at(quantiles: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    inside = tf.clip_by_value(index, 0, quantiles.shape[1] - 1)
    return tf.gather(quantiles, inside, batch_dims=1)


def _or_zero(values: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    # An encoding isn't a number where there is no statistic, or where the range overflows.
    usable = tf.math.is_finite(values) & tf.math.is_finite(encoded)
    return tf.where(usable, encoded, tf.zeros_like(encoded))
