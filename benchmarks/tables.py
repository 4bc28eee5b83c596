"""The results as Markdown, and their place in RESULTS.md.

A target is entered in `TARGETS`; a comparison without one is shown without.
"""

import statistics
from collections.abc import Sequence

from benchmarks.pages import table
from benchmarks.results import Size, What

TARGETS: dict[tuple[What, str], float] = {
    ("cold", "15k"): 0.6,
    ("cold", "150k"): 0.4,
    ("cold", "1500k"): 0.25,
    ("unchanged", "15k"): 0.06,
    ("ExampleGen", "1500k"): 0.07,
    ("changed", "150k"): 0.5,
}
"""The ratios to reach, by comparison and name of the size."""

_WORDS: dict[What, str] = {
    "cold": "first run",
    "ExampleGen": "ExampleGen alone",
    "unchanged": "nothing changed",
    "changed": "learning rate changed",
}
MOST_MIB = 4096
HEADING = "## Against stock TFX"


def compared(sizes: Sequence[Size]) -> str:
    """Returns the comparisons, one a line; the ratio is that of the medians."""
    head = ["run", "rows", "Beltline, s", "median", "stock, s", "median", "ratio", "target"]
    whats = dict.fromkeys(what for size in sizes for what in size.whats())
    pairs = [(what, size) for what in whats for size in sizes if what in size.whats()]
    return table(head, [_comparison(what, size) for what, size in pairs])


def _comparison(what: What, size: Size) -> list[str]:
    cells = [_WORDS[what], f"{size.rows:,}"]
    for side in ("ours", "stock"):
        every = ", ".join(f"{seconds:.1f}" for seconds in size.seconds[what, side])
        cells += [every, f"{size.median(what, side):.1f}"]
    ratio, target = size.ratio(what), TARGETS.get((what, size.name))
    return [*cells, f"{ratio:.3f}", _verdict(ratio, target)]


def _verdict(ratio: float, target: float | None) -> str:
    if target is None:
        return ""
    return f"≤ {target}" if ratio <= target else f"≤ {target}: missed"


def growth(sizes: Sequence[Size]) -> str:
    """Returns seconds and memory of the first run by number of rows, and how both grow."""
    head = ["rows", "Beltline, s", "s per 100,000 rows", "MiB", "stock, s", "MiB"]
    lines = []
    for size in sizes:
        ours, stock = size.median("cold", "ours"), size.median("cold", "stock")
        per_rows = f"{ours / size.rows * 100_000:.1f}"
        memory = [f"{size.most_mib(side):,.0f}" for side in ("ours", "stock")]
        lines.append(
            [f"{size.rows:,}", f"{ours:.1f}", per_rows, memory[0], f"{stock:.1f}", memory[1]]
        )
    return "\n\n".join([table(head, lines), *_grown(sizes)])


def _grown(sizes: Sequence[Size]) -> list[str]:
    most = max(size.most_mib("ours") for size in sizes)
    met = "met" if most <= MOST_MIB else "missed"
    limit = f"Beltline's target of at most {MOST_MIB:,} MiB is {met}."
    if len(sizes) < 2:
        return [limit]
    few, many = (pick(sizes, key=lambda size: size.rows) for pick in (min, max))
    seconds = many.median("cold", "ours") / few.median("cold", "ours")
    mib = many.most_mib("ours") / few.most_mib("ours")
    return [
        f"{many.rows / few.rows:.0f} times the rows took {seconds:.1f} times the seconds and "
        f"{mib:.2f} times the memory. {limit}"
    ]


def distances(sizes: Sequence[Size]) -> str:
    """Returns for each node its seconds, those of its bare computation, and the ratio."""
    head = ["node", *(f"{size.rows:,} rows" for size in sizes)]
    nodes = dict.fromkeys(node for size in sizes for node in size.nodes)
    return table(head, [[node, *(_distance(size, node) for size in sizes)] for node in nodes])


def _distance(size: Size, node: str) -> str:
    took = statistics.median(size.nodes[node])
    times = size.distance(node)
    if times is None:
        return f"{took:.2f}"
    return f"{took:.2f} / {statistics.median(size.bare[node]):.2f} = {times:.1f}"
