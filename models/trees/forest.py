"""Trees as arrays: all nodes of all trees side by side, ready to be gathered from.

Made of LightGBM's `Booster.dump_model()`, so that nothing but NumPy is needed here. What decides
in a node is brought into one form:

- The comparison is `value <= threshold` in float32. LightGBM's thresholds are float64; the
  greatest float32 that isn't above one divides all float32 values as it does.
- Each column stands twice in the table: with -inf for NaN, which is `<=` any threshold, and with
  NaN, which is not. A node names the one that sends missing values to its side.
- A category is looked up in a set of bits, those of the left side. The columns stand in the table
  a third time, so that the place tells which nodes do so.
- Every value is to the left of a leaf, which is its own left child.

What a level of the walk reads of a node is three float32 side by side, since a gather of three
takes as long as one of one.

To read another library's trees, write its `Forest` as `forest_of` does.
"""

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Node = Mapping[str, Any]

BITS = 32
"""Categories of one word."""
INFINITE = 1e300
"""LightGBM writes so where a threshold is infinite."""
MOST = 1 << 24
"""Nodes that a float32 can number."""


@dataclasses.dataclass(frozen=True)
class Forest:
    """The nodes of all trees; N nodes, T trees, F columns."""

    columns: int
    """F, as the trees were trained on."""
    outputs: int
    """Outputs of the model; tree t adds to output `t % outputs`."""
    depth: int
    """Most splits between a root and a leaf."""
    nodes: Array
    """`[N, 3]` float32: the place of the compared value in `[missing as -inf | missing as NaN |
    category]`, F each; the threshold, or the number of the set; the right child, which comes after
    the left one."""
    value: Array
    """`[N]` float64: what a leaf says."""
    roots: Array
    """`[T]` int32."""
    start: Array
    """`[u]` float64: what the trees add to."""
    words: Array
    """`[sets, longest]` int32: bit `id % 32` of word `id // 32` is set if the id is to the left."""


def forest_of(
    dumps: Sequence[Mapping[str, Any]], start: Sequence[float] | None = None, members: int = 1
) -> Forest:
    """Returns the trees of boosters whose outputs are to be added up.

    Args:
      dumps: what each booster's `dump_model()` returns; at least one, all of the same columns.
      start: what they are added to, for each output; None for 0.
      members: by how many their sum is divided, where they belong to so many forests.

    Raises:
      ValueError: a tree has a split that is unknown here.
    """
    trees = [each["tree_structure"] for dump in dumps for each in dump["tree_info"]]
    nodes, roots, depth = _side_by_side(trees)
    columns = int(dumps[0]["max_feature_idx"]) + 1
    if len(nodes) > MOST:
        raise ValueError(f"{len(nodes):,} nodes of trees, and no more than {MOST:,} are numbered")
    by_category = [node for node, _ in nodes if _is_by_category(node)]
    numbers = iter(range(len(by_category)))
    thresholds = [next(numbers) if _is_by_category(node) else _threshold(node) for node, _ in nodes]
    places = [_place(node, columns) for node, _ in nodes]
    rights = [left + 1 for _, left in nodes]
    parts = [np.array(places), not_above(np.array(thresholds, "float64")), np.array(rights)]
    outputs = int(dumps[0]["num_tree_per_iteration"])
    return Forest(
        columns=columns,
        outputs=outputs,
        depth=depth,
        nodes=np.stack(parts, axis=1).astype("float32"),
        value=np.array([node.get("leaf_value", 0.0) for node, _ in nodes], "float64") / members,
        roots=np.array(roots, "int32"),
        start=np.array(start or [0.0] * outputs, "float64"),
        words=_words([_set_of(node) for node in by_category]),
    )


def not_above(values: Array) -> Array:
    """Returns the greatest float32 that isn't above each float64.

    A float32 is `<=` the one exactly if it is `<=` the other.
    """
    with np.errstate(over="ignore"):
        near = values.astype("float32")
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _side_by_side(trees: Sequence[Node]) -> tuple[list[tuple[Node, int]], list[int], int]:
    """Returns each node with the place of its left child, the roots' places, and the depth."""
    nodes: list[tuple[Node, int]] = []
    roots, deepest = [], 0
    for tree in trees:
        roots.append(len(nodes))
        waiting = deque([(tree, 0)])
        while waiting:
            node, depth = waiting.popleft()
            deepest = max(deepest, depth)
            if "left_child" not in node:
                nodes.append((node, len(nodes)))
                continue
            # Those that wait come next, so its children follow them.
            nodes.append((node, len(nodes) + len(waiting) + 1))
            waiting += [(node["left_child"], depth + 1), (node["right_child"], depth + 1)]
    return nodes, roots, deepest


def _is_by_category(node: Node) -> bool:
    return node.get("decision_type") == "=="


def _place(node: Node, columns: int) -> int:
    """Returns which of the table's values a node compares."""
    if "split_feature" not in node:
        return 0
    column = int(node["split_feature"])
    if _is_by_category(node):
        return 2 * columns + column
    return column if _missing_is_left(node) else columns + column


def _threshold(node: Node) -> float:
    threshold = float(node.get("threshold", np.inf))
    return np.inf if threshold >= INFINITE else threshold


def _missing_is_left(node: Node) -> bool:
    if node["decision_type"] != "<=" or node["missing_type"] not in ("NaN", "None"):
        raise ValueError(
            f"a split by '{node['decision_type']}' with missing values as "
            f"'{node['missing_type']}' can't be converted to TensorFlow"
        )
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    # No value was missing in training: LightGBM takes NaN for 0 then.
    return bool(node["threshold"] >= 0)


def _set_of(node: Node) -> list[int]:
    return [int(each) for each in str(node["threshold"]).split("||")]


def _words(sets: Sequence[Sequence[int]]) -> Array:
    """Returns sets of ids as bits; the last bit of each is 0, for ids beyond all of them."""
    highest = max((max(each) for each in sets), default=-1)
    length = (highest + 1) // BITS + 1
    bits = np.zeros((len(sets), length * BITS), bool)
    for row, ids in zip(bits, sets, strict=True):
        row[ids] = True
    packed = np.packbits(bits, axis=1, bitorder="little")
    return packed.view("<i4").reshape(len(sets), length).astype("int32")
