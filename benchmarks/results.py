"""What was measured: by number of rows, what was run, and which side; and the ratios of medians."""

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.sides import Kind

Side = Literal["ours", "stock"]
What = Kind | Literal["ExampleGen"]
"""A run of the whole pipeline, or ExampleGen alone within the cold one."""

Series = defaultdict[str, list[float]]


def _series() -> Series:
    return defaultdict(list)


@dataclass
class Size:
    """All figures for one number of rows; each list has one figure for each repeat."""

    name: str
    rows: int
    seconds: dict[tuple[What, Side], list[float]] = field(default_factory=lambda: defaultdict(list))
    mib: dict[Side, list[float]] = field(default_factory=lambda: defaultdict(list))
    """The most memory of the cold runs."""
    nodes: Series = field(default_factory=_series)
    """Seconds of each of our nodes in the cold runs."""
    bare: Series = field(default_factory=_series)
    """Seconds of their bare computations."""

    def median(self, what: What, side: Side) -> float:
        """Returns the median of the seconds."""
        return statistics.median(self.seconds[what, side])

    def ratio(self, what: What) -> float:
        """Returns our median as a share of stock's."""
        return self.median(what, "ours") / self.median(what, "stock")

    def most_mib(self, side: Side) -> float:
        """Returns the most memory of all cold runs: the median would hide a peak."""
        return max(self.mib[side])

    def distance(self, node: str) -> float | None:
        """Returns how many times its bare computation a node took; None where it has none."""
        if node not in self.bare:
            return None
        return statistics.median(self.nodes[node]) / statistics.median(self.bare[node])

    def whats(self) -> list[What]:
        """Returns what was compared, in the order of the runs."""
        return list(dict.fromkeys(what for what, _ in self.seconds))


def add(series: Mapping[str, list[float]], figures: Mapping[str, float]) -> None:
    """Adds one repeat's figures, by name."""
    for name, figure in figures.items():
        series[name].append(figure)
