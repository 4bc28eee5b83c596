"""LightGBM's trees as arrays: the nodes' places, rounded thresholds, and what is refused."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.models.trees import forest as forest_module
from beltline.models.trees.forest import forest_of, not_above


@given(value=st.floats(allow_nan=False), threshold=st.floats(allow_nan=False, allow_infinity=False))
def test_a_rounded_threshold_divides_numbers_as_the_exact_one_does(
    value: float, threshold: float
) -> None:
    with np.errstate(over="ignore"):
        single = np.float32(value)
        near = np.float32(threshold)
        above = np.nextafter(near, np.float32(np.inf))
    rounded = not_above(np.array([threshold]))[0]
    for asked in (single, near, above):
        assert (asked <= rounded) == (np.float64(asked) <= threshold)


def dump(**parameters: Any) -> dict[str, Any]:
    rows = np.random.default_rng(1).normal(size=(500, 3)).astype("float32")
    common = {"objective": "regression", "num_threads": 1, "verbose": -1, **parameters}
    data = lightgbm.Dataset(rows, rows[:, 0] * rows[:, 1], params=common)
    return dict(lightgbm.train(common, data, 3).dump_model())


def test_every_node_of_every_tree_has_its_place() -> None:
    forest = forest_of([dump(num_leaves=5), dump(num_leaves=3)], [0.5])
    assert len(forest.nodes) == len(forest.value) == 3 * 9 + 3 * 5
    assert forest.roots.tolist() == [0, 9, 18, 27, 32, 37]
    right = forest.nodes[:, 2].astype(int)
    leaves = right == np.arange(len(right)) + 1
    assert np.count_nonzero(leaves) == 3 * 5 + 3 * 3
    children = np.concatenate([right[~leaves], right[~leaves] - 1])
    assert len(set(children)) == len(children) == len(right) - len(forest.roots)
    assert (forest.columns, forest.outputs, forest.start.tolist()) == (3, 1, [0.5])


def test_several_forests_are_averaged() -> None:
    found = dump(num_leaves=5)
    one, three = forest_of([found], [0.5]), forest_of([found] * 3, [0.5], members=3)
    assert three.value.sum() == pytest.approx(one.value.sum())
    assert three.value[: len(one.value)] == pytest.approx(one.value / 3)
    assert three.start.tolist() == [0.5]


def test_a_split_that_is_unknown_is_refused() -> None:
    found = dump()
    found["tree_info"][0]["tree_structure"]["missing_type"] = "Zero"
    with pytest.raises(ValueError, match="missing values as 'Zero' can't be converted"):
        forest_of([found])


def test_more_nodes_than_a_float32_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_module, "MOST", 10)
    with pytest.raises(ValueError, match="nodes of trees, and no more than 10 are numbered"):
        forest_of([dump()])
