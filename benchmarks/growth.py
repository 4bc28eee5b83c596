"""What measured seconds, bytes and memory by number of rows come to at other numbers of rows.

A node's processor seconds are taken as `a + b · rows`, by least squares through the measured points
of one side: `a` is what starting costs, `b` a core's seconds for a row. `w` workers take
`a + b · rows / w`, with `a` and `b` of one worker: what is measured of two says how far that holds.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.pages import table

SIDES = {"direct": 0, "1 worker": 1, "2 workers": 2}
"""The sides, with how many workers each has."""
NODES = ("ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator")
# Training is on one machine, wherever the others run.
SPREAD = tuple(node for node in NODES if node != "Trainer")
LARGE = (10**6, 10**8, 10**10)
_TARGET_HOURS = 1.0
_PRICE = 0.05
"""Of a core for an hour, in US dollars: a round sum, to be replaced by one's own."""
Kind = Literal["seconds", "processor"]


@dataclass(frozen=True)
class Point:
    """One run: its rows and side, seconds of each node that ran, MiB of a worker, bytes by what.

    `command` is what has measured it.
    """

    rows: int
    side: str
    seconds: dict[str, float]
    processor: dict[str, float]
    mib: float
    bytes: dict[str, int]
    command: str


@dataclass(frozen=True)
class Line:
    """Seconds by rows: `start + each · rows`."""

    start: float
    each: float

    def seconds(self, rows: int, workers: int = 1) -> float:
        """Returns the seconds of so many rows on so many workers."""
        return self.start + self.each * rows / workers


def line(points: Sequence[Point], side: str, node: str) -> Line | None:
    """Returns a node's line on one side; None with fewer than two numbers of rows."""
    own = [each for each in points if each.side == side and node in each.processor]
    if len({each.rows for each in own}) < 2:
        return None
    found = statistics.linear_regression(
        [each.rows for each in own], [each.processor[node] for each in own]
    )
    return Line(max(found.intercept, 0.0), max(found.slope, 0.0))


def measured_table(points: Sequence[Point], kind: Kind) -> str:
    """Returns one kind of seconds of each node, with their ratios, and the memory."""
    head = ["rows", "side", *NODES, "MiB"]
    return table(head, [_measured(points, each, kind) for each in sorted(points, key=_place)])


def _place(point: Point) -> tuple[int, int]:
    return point.rows, SIDES[point.side]


def _measured(points: Sequence[Point], point: Point, kind: Kind) -> list[str]:
    own: dict[str, float] = getattr(point, kind)

    def other(side: str, node: str) -> float | None:
        found = [each for each in points if (each.rows, each.side) == (point.rows, side)]
        before: float | None = getattr(found[0], kind).get(node) if found else None
        return own[node] / before if before else None

    cells = []
    for node in NODES:
        if node not in own:
            cells.append("-")
            continue
        text = f"{own[node]:.1f}"
        ratios = [other(side, node) for side in list(SIDES)[: SIDES[point.side]]]
        shown = [f"{ratio:.2f}" for ratio in ratios if ratio is not None]
        cells.append(f"{text} ({', '.join(shown)})" if shown and node in SPREAD else text)
    return [f"{point.rows:,}", point.side, *cells, f"{point.mib:,.0f}" if point.mib else "-"]


def derived(points: Sequence[Point]) -> list[str]:
    """Returns what follows for large numbers of rows.

    Nothing does without two sizes of both sides, or from tables so small that starting the nodes
    outweighs their rows: the slope would be noise.
    """
    direct = {node: line(points, "direct", node) for node in NODES}
    worker = {node: line(points, "1 worker", node) for node in SPREAD}
    if None in (*direct.values(), *worker.values()):
        return []
    # A run that ended early has not written all of it.
    whole = [each for each in points if "transformed" in each.bytes]
    largest = max(whole, key=lambda each: each.rows)
    data = [direct[node] or Line(0, 0) for node in SPREAD]
    if sum(each.each for each in data) * largest.rows < sum(each.start for each in data):
        return [
            f"What larger tables take does not follow from {largest.rows:,} rows: most of these "
            "seconds are the nodes' start."
        ]
    lines = [
        _at(rows, [(node, one) for node, one in direct.items() if one], largest, worker)
        for rows in LARGE
    ]
    head = [
        *("rows", "GB of CSV", "GB of artifacts", "direct, h"),
        *(
            "core-hours on workers",
            f"cost at ${_PRICE} each",
            f"workers for {_TARGET_HOURS:.0f} h",
            "training pass, h",
            "longest",
        ),
    ]
    fits = [[node, *(_words(each.get(node)) for each in (direct, worker))] for node in NODES]
    return [
        "Processor seconds of a node as `a + b · rows` by least squares, `b` for a million rows.",
        table(["node", "direct", "1 worker"], fits),
        "From these: bytes are those of the largest table by its rows; `direct` is the sum of the "
        "data nodes' lines, on one core; core-hours are the sum of `b · rows` of one worker; there "
        "are as many workers as bring `a + b · rows / workers` of all data nodes to "
        f"{_TARGET_HOURS:.0f} h; a training pass is the Trainer's line, on one machine; the "
        "longest is the first bottleneck with that many workers.",
        table(head, lines),
    ]


def _words(fit: Line | None) -> str:
    return f"{fit.start:.1f} s + {fit.each * 1e6:.1f} s" if fit else ""


def _at(
    rows: int, direct: list[tuple[str, Line]], largest: Point, worker: dict[str, Line | None]
) -> list[str]:
    spread = [each for each in worker.values() if each]
    here = sum(one.seconds(rows) for node, one in direct if node in SPREAD)
    cores = sum(each.each * rows for each in spread)
    wanted = _TARGET_HOURS * 3600 - sum(each.start for each in spread)
    training = dict(direct)["Trainer"].seconds(rows)
    share = rows / largest.rows
    many = max(1, math.ceil(cores / wanted))
    on_workers = {node: one.seconds(rows, many) for node, one in worker.items() if one}
    on_workers["Trainer"] = training
    artifacts = largest.bytes["examples"] + largest.bytes["transformed"]
    return [
        f"{rows:,}",
        f"{largest.bytes['csv'] * share / 1e9:,.1f}",
        f"{artifacts * share / 1e9:,.1f}",
        f"{here / 3600:,.2f}",
        f"{cores / 3600:,.2f}",
        f"${cores / 3600 * _PRICE:,.2f}",
        f"{many:,}",
        f"{training / 3600:,.2f}",
        max(on_workers, key=lambda node: on_workers[node]),
    ]
