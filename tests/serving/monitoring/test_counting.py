import numpy as np
import pyarrow as pa
import pytest

from beltline.serving.monitoring import counting, distances
from beltline.serving.monitoring.counting import by_name, deciles, in_buckets, statistics_of

RANDOM = np.random.default_rng(1)
SHAPES = {
    "smooth": RANDOM.normal(size=4000),
    "rare ones": RANDOM.random(4000) < 0.03,
    "many ones": RANDOM.random(4000) < 0.6,
    "few whole numbers": RANDOM.integers(0, 5, 4000),
    "many zeros": np.where(RANDOM.random(4000) < 0.7, 0, RANDOM.exponential(size=4000)),
    "a frequent value in the middle": np.where(
        RANDOM.random(4000) < 0.3, 1, RANDOM.normal(1, 1, 4000)
    ),
    "one value": np.full(4000, 7),
}


def feature(values):
    lists = pa.array([None if value is None else [float(value)] for value in values])
    return by_name(statistics_of(pa.table({"x": lists})))["x"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reference_counts_in_its_deciles_what_is_there(shape):
    """Also where a value is so frequent that several deciles end at it."""
    values = SHAPES[shape].astype(float)
    found = deciles(feature(values))
    assert found.rows == pytest.approx(found.counts(values), abs=0.01 * len(values) / 10)
    assert found.rows.sum() == pytest.approx(len(values))
    assert (np.diff(found.borders) > 0).all()


def test_values_out_of_range_belong_to_the_outer_buckets():
    found = deciles(feature(range(1000))).counts(np.array([-5.0] * 3 + [5000.0] * 4))
    assert (found[0], found[-1], found.sum()) == (3, 4, 7)


def test_without_values_there_are_no_deciles():
    assert deciles(feature([None, None])) is None
    assert deciles(by_name(statistics_of(pa.table({"x": pa.array([[b"a"]])})))["x"]) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_tfdv_measures_what_the_definition_says(shape):
    values = SHAPES[shape].astype(float)
    live = np.concatenate([values[:800], values[:200] + 1])
    reference = feature(values)
    buckets = deciles(reference)
    p, q = buckets.rows / len(values), buckets.counts(live) / len(live)
    sides = in_buckets(reference, buckets.rows), in_buckets(feature(live), buckets.counts(live))
    [measured] = distances.distances([sides[0]], [sides[1]]).values()
    middle = (p + q) / 2
    terms = [of[of > 0] * np.log2(of[of > 0] / middle[of > 0]) for of in (p, q)]
    assert measured == pytest.approx(sum(map(np.sum, terms)) / 2, abs=1e-6)


def test_missing_values_are_counted():
    found = feature([1.0, None, 3.0, None])
    assert (counting.values(found), counting.missing(found)) == (2, 2)
