"""Numbers as the network gets them, and columns between their sparse and dense forms."""

import numpy as np
import tensorflow as tf

from beltline.models import encoding
from beltline.models.tables import as_column, side_by_side

UNIFORM = tf.constant([np.arange(1, 100)], tf.float32)
NAN = float("nan")


def column(*values: float) -> tf.Tensor:
    return tf.constant([[value] for value in values], tf.float32)


def test_rank_is_a_normal_score() -> None:
    ranks = encoding.rank(column(50, 84.134, 15.866, -1e9, 1e9, NAN), UNIFORM).numpy()[:, 0]
    np.testing.assert_allclose(ranks[:3], [0, 1, -1], atol=0.02)
    assert ranks[3] == -ranks[4] > -3
    assert ranks[5] == 0


def test_rank_interpolates_and_keeps_the_order() -> None:
    ranks = encoding.rank(column(*np.linspace(1, 99, 500)), UNIFORM).numpy()[:, 0]
    assert (np.diff(ranks) > 0).all()


def test_a_frequent_value_ranks_in_its_middle() -> None:
    quantiles = tf.constant([[0.0] * 59 + [*range(1, 41)]], tf.float32)
    ranks = encoding.rank(column(0, 0.5, -1), quantiles).numpy()[:, 0]
    np.testing.assert_allclose(ranks[0], -0.524, atol=0.01)  # the 30th percentile
    assert ranks[1] > ranks[0] > ranks[2]


def test_a_constant_column_has_no_nan() -> None:
    quantiles = tf.fill([1, 99], 3.0)
    for encode in (encoding.rank, encoding.robust):
        values = encode(column(3, 2, 4, NAN), quantiles).numpy()[:, 0]
        assert np.isfinite(values).all()
        assert values[0] == values[3] == 0


def test_robust_is_bounded_and_scaled_by_the_middle_half() -> None:
    values = encoding.robust(column(50, 75, 1e30, -3e38, NAN), UNIFORM).numpy()[:, 0]
    np.testing.assert_allclose(values, [0, 0.5, 3, -3, 0], atol=0.03)


def test_zscore() -> None:
    mean, variance = tf.constant([2.0, 7.0]), tf.constant([4.0, 0.0])
    values = tf.constant([[4.0, 9.0], [1e9, 7.0], [NAN, NAN]])
    scaled = encoding.zscore(values, mean, variance).numpy()
    np.testing.assert_allclose(scaled, [[1, 0], [5, 0], [0, 0]])


def test_columns_side_by_side_and_back() -> None:
    floats = as_column(tf.constant([1.5, 0.0, 2.5]), tf.constant([True, False, True]))
    whole = as_column(tf.constant([7, 8, 0], tf.int64), tf.constant([True, True, False]))
    nothing = as_column(tf.constant([0.0, 0.0, 0.0]), tf.constant([False] * 3))
    table = side_by_side([floats, whole, nothing, floats], tf.float32, -1.0).numpy()
    np.testing.assert_allclose(table, [[1.5, 7, -1, 1.5], [-1, 8, -1, -1], [2.5, -1, -1, 2.5]])


def test_no_statistic_and_no_range_are_zero() -> None:
    nothing = tf.constant([NAN])
    assert encoding.zscore(column(5.0), nothing, nothing).numpy()[0, 0] == 0
    widest = tf.constant([[-3e38] * 50 + [3e38] * 49], tf.float32)
    assert np.isfinite(encoding.robust(column(3e38, -3e38, 0), widest)).all()
