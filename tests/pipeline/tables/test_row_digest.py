import numpy as np
import pyarrow as pa
import pytest

from beltline.pipeline.tables.row_digest import RowDigest

ROWS = {
    "a": pa.array([1, 2, None, 4], pa.int32()),
    "b": pa.array(["x", None, "y", "x"]),
    "c": pa.array([0.5, 1.0, 2.0, None]),
}


def digest(*batches):
    found = RowDigest()
    for batch in batches:
        found.add(batch)
    return found.hexdigest()


def batch(**columns):
    return pa.record_batch(ROWS | columns)


def test_the_order_of_rows_and_columns_does_not_count_nor_do_the_batches():
    whole = batch()
    turned = whole.take(pa.array([2, 0, 3, 1])).select(["c", "a", "b"])
    assert digest(whole) == digest(turned) == digest(whole.slice(0, 1), whole.slice(1))


def test_the_type_of_a_number_does_not_count():
    floats = batch(a=pa.array([1.0, 2.0, None, 4.0]))
    assert digest(batch()) == digest(floats) == digest(batch(a=ROWS["a"].cast(pa.int64())))


@pytest.mark.parametrize(
    "other",
    [
        batch(a=pa.array([1, 2, 0, 4])),
        batch(a=pa.array([2, 1, None, 4])),
        batch(b=pa.array(["x", "", "y", "x"])),
        batch(b=pa.array(["x", None, "y", "X"])),
        batch(c=pa.array([0.5, 1.0, 2.0, 0.0])),
        batch(a=ROWS["c"], c=ROWS["a"]),
        batch().slice(1),
        batch().rename_columns(["a", "b", "d"]),
        pa.record_batch(ROWS | {"d": pa.nulls(4, pa.string())}),
    ],
)
def test_every_value_counts(other):
    assert digest(other) != digest(batch())


def test_a_row_twice_is_not_a_row_once():
    assert digest(batch(), batch()) != digest(batch())
    assert digest(batch(), batch().slice(0, 1)) != digest(batch(), batch().slice(1, 1))


def test_integers_that_a_float_cannot_hold():
    large = [pa.record_batch({"a": pa.array([2**53 + more])}) for more in range(3)]
    ends = [pa.record_batch({"a": pa.array([end])}) for end in (-(2**63), 2**63 - 1, 2**63 - 2)]
    assert len({digest(each) for each in (*large, *ends)}) == 6


def test_rows_that_exchange_values_are_others():
    one = pa.record_batch({"a": ["x", "y"], "b": ["1", "2"]})
    other = pa.record_batch({"a": ["x", "y"], "b": ["2", "1"]})
    assert digest(one) != digest(other)


def test_no_two_of_many_rows_are_the_same():
    numbers = np.random.default_rng(7).normal(size=20_000)
    rows = pa.record_batch({"a": numbers, "b": [f"{number:.3f}" for number in numbers]})
    assert len({digest(rows.slice(index, 1)) for index in range(2000)}) == 2000
