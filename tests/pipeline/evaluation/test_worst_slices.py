import numpy as np
import pytest

from beltline.pipeline.evaluation.worst_slices import LEAST_ROWS, Slice, rows_that_tell, worst_first

SLICES = [
    ("", {"rows": 900.0, "auc": 0.9}),
    ("mold=A", {"rows": 300.0, "auc": 0.95}),
    ("mold=B", {"rows": 300.0, "auc": 0.7}),
    ("mold=C", {"rows": 99.0, "auc": 0.1}),
    ("shift=1", {"rows": 300.0, "auc": float("nan")}),
    ("shift=2", {"rows": 100.0, "auc": 0.8}),
]


def test_the_worst_is_first_and_small_ones_are_counted():
    found, too_small = worst_first(SLICES, "auc", 1, 100)
    assert found[0] == Slice("mold=B", 300, 0.7)
    assert [each.slice for each in found] == ["mold=B", "shift=2", "mold=A"]
    assert too_small == 2


def test_where_less_is_better_the_most_is_first():
    found, _ = worst_first(SLICES, "auc", -1, 100)
    assert [each.slice for each in found] == ["mold=A", "shift=2", "mold=B"]


def test_equals_are_in_the_order_of_their_names():
    same = [(name, {"rows": 200.0, "auc": 0.5}) for name in ("b", "c", "a")]
    assert [each.slice for each in worst_first(same, "auc", 1, 1)[0]] == ["a", "b", "c"]


def test_without_slices_there_is_none():
    assert worst_first(SLICES[:1], "auc", 1, 1) == ([], 0)


@pytest.mark.parametrize(
    ("true", "rows"), [(500, 100), (40, 250), (960, 250), (100, 100), (1, 10_000), (0, 10_000)]
)
def test_where_a_class_is_rare_more_rows_are_needed(true, rows):
    assert rows_that_tell(np.arange(1000) < true) == rows


def test_where_no_class_matters_the_least_will_do():
    assert rows_that_tell() == LEAST_ROWS
