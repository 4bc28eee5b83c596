"""Trees as masks: one leaf is left whatever the values are, and blocks share what they can."""

from typing import Any

import numpy as np
import pytest

from beltline.models.trees.forest import BITS, Forest, forest_of
from beltline.models.trees.masks import BLOCK, Masks, masks_of

Node = dict[str, Any]


def split(column: int, threshold: float | str, left: Node, right: Node) -> Node:
    kind = "==" if isinstance(threshold, str) else "<="
    below = {"split_feature": column, "decision_type": kind, "threshold": threshold}
    sides = {"missing_type": "NaN", "default_left": False, "left_child": left, "right_child": right}
    return {**below, **sides}


def leaf(value: float) -> Node:
    return {"leaf_value": value}


def chain(leaves: int, column: int = 0) -> Node:
    """A tree whose leaf `n` is for values in (n - 1, n]."""
    tree = leaf(leaves - 1.0)
    for number in reversed(range(leaves - 1)):
        tree = split(column, float(number), leaf(float(number)), tree)
    return tree


def forest(*trees: Node, outputs: int = 1, columns: int = 2) -> Forest:
    info = [{"tree_structure": tree} for tree in trees]
    return forest_of(
        [{"max_feature_idx": columns - 1, "num_tree_per_iteration": outputs, "tree_info": info}]
    )


def words_left(masks: Masks, codes: list[int]) -> Any:
    """The words `[B, G]` that one row's codes leave."""
    left = masks.leaves.copy()
    for place, code in enumerate(codes):
        left &= masks.words[masks.rows[masks.first[place] + code]]
    return left.view("uint32")


def test_each_code_leaves_one_leaf_of_a_tree_that_needs_three_words() -> None:
    leaves = 2 * BITS + 5
    masks = masks_of(forest(chain(leaves)))
    said = []
    for code in range(leaves):
        left = words_left(masks, [code])
        (word,) = np.flatnonzero(left)
        bit = int(left.reshape(-1)[word]).bit_length()
        assert left.sum() == 1 << (bit - 1)
        said.append(masks.value[word, bit])
    assert said == list(range(leaves))
    assert np.count_nonzero(masks.leaves) == 3


def test_a_missing_number_goes_where_the_splits_send_it() -> None:
    masks = masks_of(forest(chain(4)))
    assert masks.unknown.tolist() == [4]
    left = words_left(masks, [4])
    assert masks.value[0, int(left[0, 0]).bit_length()] == 3


def test_a_category_s_code_is_its_id_and_one_more_stands_for_all_others() -> None:
    masks = masks_of(forest(split(1, "2||40", leaf(1.0), leaf(0.0))))
    assert (masks.columns.tolist(), masks.unknown.tolist(), masks.thresholds.size) == ([1], [41], 0)
    said = [masks.value[0, int(words_left(masks, [code])[0, 0]).bit_length()] for code in range(42)]
    assert [code for code, value in enumerate(said) if value] == [2, 40]
    # Two kinds of ids, so two rows.
    assert len(masks.words) == 2


def test_a_block_has_rows_for_its_own_thresholds_alone() -> None:
    few = [split(0, float(number // BLOCK), leaf(0.0), leaf(1.0)) for number in range(4 * BLOCK)]
    masks = masks_of(forest(*few))
    assert masks.thresholds.tolist() == [[0, 1, 2, 3]]
    assert masks.rows.shape == (6, 4)
    # Below, above, and missing, in each of the four.
    assert len(masks.words) == 4 * 3


@pytest.mark.parametrize("outputs", [1, 3, 100])
def test_words_that_are_as_far_apart_as_there_are_outputs_belong_to_one(outputs: int) -> None:
    trees = [leaf(float(number % outputs + 1)) for number in range(3 * outputs)]
    masks = masks_of(forest(*trees, outputs=outputs))
    assert masks.leaves.size % outputs == 0
    by_output = masks.value.sum(axis=1).reshape(-1, outputs).sum(axis=0)
    assert by_output.tolist() == [3.0 * (number + 1) for number in range(outputs)]
    assert (len(masks.columns), len(masks.rows)) == (0, 0)


def test_columns_on_which_no_tree_splits_are_left_out() -> None:
    masks = masks_of(forest(chain(3, column=4), columns=9))
    assert masks.columns.tolist() == [4]
