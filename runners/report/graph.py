"""The graph of a run's nodes as a picture: where each box is, and which lines lead to it.

Drawn in layers from left to right, each node as late as those that need it allow. An edge past
other layers takes a place in each of them, so that no line runs through a box; one that says
nothing new (A to C beside A to B to C) is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_WIDTH, _HEIGHT = 128, 44
_GAP_X, _GAP_Y = 22, 14
_SWEEPS = 6

# A node, or the place of an edge in a layer that it passes: its ends, and the layer.
_Place = str | tuple[str, str, int]


@dataclass(frozen=True)
class Graph:
    """A picture: its size, the upper left corner of each node's box, and the lines as SVG paths."""

    width: int
    height: int
    boxes: dict[str, tuple[float, float]]
    lines: list[str]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


def picture(upstream: Mapping[str, Sequence[str]]) -> Graph:
    """Returns the picture of a graph.

    Args:
      upstream: each node's direct predecessors; the graph has no circle.
    """
    edges = _needed(upstream)
    layer_of = _layers(upstream)
    chains = [_chain(edge, layer_of) for edge in edges]
    layers = _ordered(list(upstream), layer_of, chains)
    tallest = max((len(layer) for layer in layers), default=0)
    at = {
        place: (
            column * (_WIDTH + _GAP_X) + 1.0,
            (row + (tallest - len(layer)) / 2) * (_HEIGHT + _GAP_Y) + 1.0,
        )
        for column, layer in enumerate(layers)
        for row, place in enumerate(layer)
    }
    return Graph(
        width=len(layers) * (_WIDTH + _GAP_X) - _GAP_X + 2,
        height=tallest * (_HEIGHT + _GAP_Y) - _GAP_Y + 2,
        boxes={node: at[node] for node in upstream},
        lines=[_line([at[place] for place in chain]) for chain in chains],
    )


def _needed(upstream: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Returns the edges without those that a longer way implies."""
    before = {
        node: [each for each in found if each in upstream] for node, found in upstream.items()
    }
    above: dict[str, set[str]] = {}

    def ancestors(node: str) -> set[str]:
        if node not in above:
            above[node] = {u for each in before[node] for u in (each, *ancestors(each))}
        return above[node]

    return [
        (each, node)
        for node, found in before.items()
        for each in found
        if not any(each in ancestors(other) for other in found if other != each)
    ]


def _layers(upstream: Mapping[str, Sequence[str]]) -> dict[str, int]:
    downstream: dict[str, list[str]] = {node: [] for node in upstream}
    for node, found in upstream.items():
        for each in found:
            if each in downstream:
                downstream[each].append(node)
    to_end: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in to_end:
            to_end[node] = 1 + max((depth(each) for each in downstream[node]), default=-1)
        return to_end[node]

    longest = max((depth(node) for node in upstream), default=0)
    return {node: longest - depth(node) for node in upstream}


def _chain(edge: tuple[str, str], layer_of: Mapping[str, int]) -> list[_Place]:
    start, end = edge
    between = range(layer_of[start] + 1, layer_of[end])
    return [start, *((start, end, layer) for layer in between), end]


def _ordered(
    nodes: Sequence[str], layer_of: Mapping[str, int], chains: Sequence[Sequence[_Place]]
) -> list[list[_Place]]:
    """Returns the places of each layer, near those that they are joined with."""
    layers: list[list[_Place]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for node in nodes:
        layers[layer_of[node]].append(node)
    for chain in chains:
        for column, place in enumerate(chain[1:-1], layer_of[str(chain[0])] + 1):
            layers[column].append(place)
    joined: dict[_Place, list[_Place]] = {}
    for chain in chains:
        for left, right in pairwise(chain):
            joined.setdefault(left, []).append(right)
            joined.setdefault(right, []).append(left)
    for _ in range(_SWEEPS):
        for layer in layers:
            row = {
                place: (each - len(found) / 2)
                for found in layers
                for each, place in enumerate(found)
            }
            layer.sort(
                key=lambda place: _mean([row[other] for other in joined.get(place, [place])])
            )
    return layers


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _line(corners: Sequence[tuple[float, float]]) -> str:
    """Returns a line from the right side of the first box to the left side of the last."""
    half = _HEIGHT / 2
    x, y = corners[0][0] + _WIDTH, corners[0][1] + half
    path = f"M{x:g},{y:g}"
    for place, (left, top) in enumerate(corners[1:], 1):
        bend = (x + left) / 2
        path += f"C{bend:g},{y:g} {bend:g},{top + half:g} {left:g},{top + half:g}"
        x, y = left, top + half
        if place < len(corners) - 1:
            x += _WIDTH
            path += f"H{x:g}"
    return path
