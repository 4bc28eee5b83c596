"""Trees as masks of leaves: what a value of a column rules out, in all trees at once.

The leaves of a tree are bits of a word, or of several words where it has more than 32. A split
clears the bits on its other side, so that of all splits that a row could meet one bit is left: the
leaf of the row. (Lucchese et al. 2015, "QuickScorer", clears one side alone and has to search for
the first bit that is left.) What all splits on one column clear depends on that column's value
alone: on how many thresholds are below it, or which category it is. So for each of these codes a
row of words stands ready, and an answer is the AND of one row for each column.

Words stand in blocks: few thresholds are a block's own, so that many codes share a row.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.trees.forest import BITS, Forest

Array = npt.NDArray[Any]

BLOCK = 64
"""Words of a block, rounded up to a multiple of the outputs."""
_ALL = (1 << BITS) - 1


@dataclasses.dataclass(frozen=True)
class Masks:
    """The masks of a forest: B blocks of G words; A columns of numbers and C of categories."""

    columns: Array
    """`[A + C]` int32: columns of the table that trees split on, numbers first."""
    thresholds: Array
    """`[A, longest]` float32: ascending, then +inf. A number's code is how many are below it."""
    unknown: Array
    """`[A + C]` int32: the code of a missing number, and of an id beyond those that are known; the
    code of a known id is the id."""
    first: Array
    """`[A + C]` int32: where the codes of a column begin in `rows`."""
    rows: Array
    """`[codes, B]` int32: which row of `words` a code means in a block."""
    words: Array
    """`[R, G]` int32: the leaves that remain."""
    leaves: Array
    """`[B, G]` int32: the leaves that there are. Words of one output are `outputs` apart."""
    value: Array
    """`[B G, 33]` float64: 0 for no leaf, then what each says."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(int(getattr(self, field.name).nbytes) for field in dataclasses.fields(self))


@dataclasses.dataclass(frozen=True)
class _Cut:
    """What a split leaves in one word of a block."""

    word: int
    left: int
    right: int
    threshold: float
    """Or the number of the set."""
    missing_is_left: bool


_Cuts = Mapping[int, Sequence[_Cut]]
"""Those on one column, by block."""
_Rows = tuple[Array, Array]
"""Which row each code means, `[codes]`, and the rows, `[r, G]`."""


def masks_of(forest: Forest) -> Masks:
    """Returns the masks of a forest."""
    layout = _Layout(forest)
    blocks, group = layout.blocks, layout.group
    columns = _columns(forest, layout)
    parts = [[each.rows(block, group) for block in range(blocks)] for each in columns]
    tables = [table for part in parts for _, table in part]
    before = np.cumsum([0, *map(len, tables)])[: len(tables)].reshape(-1, blocks)
    codes = [np.stack([rows for rows, _ in part], axis=1) for part in parts]
    leaves, value = _leaves(forest, layout)
    return Masks(
        columns=np.array([each.column for each in columns], "int32"),
        thresholds=_padded([each.thresholds for each in columns if isinstance(each, _Numbers)]),
        unknown=np.array([each.unknown for each in columns], "int32"),
        first=np.cumsum([0, *map(len, codes)])[: len(codes)].astype("int32"),
        rows=_stacked([each + first for each, first in zip(codes, before, strict=True)], blocks),
        words=_stacked([table.view("int32") for table in tables], group),
        leaves=leaves.view("int32").reshape(blocks, group),
        value=value,
    )


class _Layout:
    """Which words are whose."""

    def __init__(self, forest: Forest) -> None:
        self._outputs = forest.outputs
        self.lefts = forest.nodes[:, 2].astype("int64") - 1
        """The left child of each node; a leaf is its own."""
        ends = [*forest.roots[1:].tolist(), len(forest.nodes)]
        self.trees = [range(*each) for each in zip(forest.roots.tolist(), ends, strict=True)]
        """The nodes of each tree."""
        # A tree has one more leaf than splits.
        most = max((len(tree) + 1) // 2 for tree in self.trees)
        self._words = -(-most // BITS)
        self.group = forest.outputs * -(-BLOCK // forest.outputs)
        self.blocks = -(-len(self.trees) * self._words // self.group)

    def words(self, tree: int) -> list[int]:
        """Returns the numbers of a tree's words."""
        rounds, output = divmod(tree, self._outputs)
        return [
            (rounds * self._words + each) * self._outputs + output for each in range(self._words)
        ]

    def below(self, tree: int) -> dict[int, int]:
        """Returns the leaves below each node of a tree, or the leaf itself, as bits."""
        found: dict[int, int] = {}
        leaves = 0
        # Children come after their parents.
        for node in reversed(self.trees[tree]):
            left = int(self.lefts[node])
            if left == node:
                found[node], leaves = 1 << leaves, leaves + 1
            else:
                found[node] = found[left] | found[left + 1]
        return found


class _Numbers:
    """The splits on a column of numbers."""

    def __init__(self, column: int, cuts: _Cuts) -> None:
        self.column, self._cuts = column, cuts
        self.thresholds = _distinct([cut for each in cuts.values() for cut in each])
        self.unknown = len(self.thresholds) + 1

    def rows(self, block: int, group: int) -> _Rows:
        """Returns what each code leaves in a block."""
        cuts = self._cuts.get(block, [])
        own = _distinct(cuts)
        table = np.full((len(own) + 2, group), _ALL, "uint32")
        for cut in cuts:
            above = 1 + int(np.searchsorted(own, cut.threshold))
            table[:above, cut.word] &= cut.left
            table[above:-1, cut.word] &= cut.right
            table[-1, cut.word] &= cut.left if cut.missing_is_left else cut.right
        below = np.searchsorted(own, self.thresholds, side="right")
        return np.array([0, *below, len(own) + 1]), table


class _Categories:
    """The splits on a column of categories.

    Args:
      sets: `[sets, ids]`: whether an id is to the left.
    """

    def __init__(self, column: int, cuts: _Cuts, sets: Array) -> None:
        self.column, self._cuts, self._sets = column, cuts, sets
        used = [int(cut.threshold) for each in cuts.values() for cut in each]
        self.unknown = 1 + int(np.flatnonzero(sets[used].any(axis=0))[-1])

    def rows(self, block: int, group: int) -> _Rows:
        """Returns what each code leaves in a block."""
        table = np.full((self.unknown + 1, group), _ALL, "uint32")
        for cut in self._cuts.get(block, []):
            is_left = self._sets[int(cut.threshold), : self.unknown + 1]
            table[:, cut.word] &= np.where(is_left, cut.left, cut.right).astype("uint32")
        distinct, rows = np.unique(table, axis=0, return_inverse=True)
        return rows.reshape(-1), distinct


def _columns(forest: Forest, layout: _Layout) -> list[_Numbers | _Categories]:
    """Returns the columns that trees split on."""
    numbers: dict[int, dict[int, list[_Cut]]] = defaultdict(lambda: defaultdict(list))
    categories: dict[int, dict[int, list[_Cut]]] = defaultdict(lambda: defaultdict(list))
    for tree in range(len(layout.trees)):
        below, words = layout.below(tree), layout.words(tree)
        for node in layout.trees[tree]:
            left = int(layout.lefts[node])
            if left == node:
                continue
            kind, column = divmod(int(forest.nodes[node, 0]), forest.columns)
            found = (categories if kind == 2 else numbers)[column]
            for part, word in enumerate(words):
                is_left, is_right = (below[each] >> part * BITS & _ALL for each in (left, left + 1))
                if is_left or is_right:
                    block, place = divmod(word, layout.group)
                    threshold = float(forest.nodes[node, 1])
                    cut = _Cut(place, _ALL ^ is_right, _ALL ^ is_left, threshold, kind == 0)
                    found[block].append(cut)
    sets = np.unpackbits(forest.words.view("uint8"), axis=1, bitorder="little").astype(bool)
    return [
        *(_Numbers(column, numbers[column]) for column in sorted(numbers)),
        *(_Categories(column, categories[column], sets) for column in sorted(categories)),
    ]


def _leaves(forest: Forest, layout: _Layout) -> tuple[Array, Array]:
    """Returns the leaves of each word, and what they say."""
    words = layout.blocks * layout.group
    leaves, value = np.zeros(words, "uint32"), np.zeros((words, BITS + 1))
    for tree, nodes in enumerate(layout.trees):
        below, names = layout.below(tree), layout.words(tree)
        for node in nodes:
            if layout.lefts[node] == node:
                part, bit = divmod(below[node].bit_length() - 1, BITS)
                leaves[names[part]] |= np.uint32(1 << bit)
                value[names[part], 1 + bit] = forest.value[node]
    return leaves, value


def _distinct(cuts: Sequence[_Cut]) -> Array:
    return np.unique(np.array([cut.threshold for cut in cuts], "float32"))


def _padded(thresholds: Sequence[Array]) -> Array:
    longest = max(map(len, thresholds), default=0)
    padded = np.full((len(thresholds), longest), np.inf, "float32")
    for row, each in zip(padded, thresholds, strict=True):
        row[: len(each)] = each
    return padded


def _stacked(parts: Sequence[Array], width: int) -> Array:
    return np.concatenate([np.zeros((0, width), "int32"), *parts]).astype("int32")
