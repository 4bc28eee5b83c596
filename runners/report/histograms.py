"""Small pictures of one column: the rows of each source as an outline, or as bars by value.

A chart library writes some 15 kB for each picture, which is too much where a table has hundreds of
columns. These take a few hundred bytes: a path for each source, coloured by the page's styles.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 160.0, 36.0
REST = "all others"


def outlines(column: Mapping[str, Any]) -> dict[str, str]:
    """Returns an SVG path by source for a column of numbers; none where it has no values.

    The area below a path is the same for each source: the height is the share of the rows by the
    width of TFDV's bucket. Picture: 160 wide, 36 high.
    """
    buckets = {
        source: [each for each in found.get("buckets", []) if each[2] > 0]
        for source, found in column["of"].items()
    }
    every = [each for found in buckets.values() for each in found]
    if not every:
        return {}
    low, high = min(each[0] for each in every), max(each[1] for each in every)
    # A column of one value is a bar in the middle.
    span = (high - low) or 1.0
    low = low if high > low else low - span / 2
    densities = {source: _densities(found, low, span) for source, found in buckets.items() if found}
    tallest = max(height for found in densities.values() for _, _, height in found)
    return {source: _path(found, tallest) for source, found in densities.items()}


def _densities(
    buckets: Sequence[Sequence[float]], low: float, span: float
) -> list[tuple[float, float, float]]:
    """Returns left, right and height of each bucket; left and right as shares of the width."""
    rows = sum(each[2] for each in buckets)
    found = []
    for start, end, count in buckets:
        # What is next to nothing wide shall be seen, and not be endlessly high.
        width = max((end - start) / span, 0.02)
        left = min((start - low) / span, 1 - width)
        found.append((left, left + width, count / rows / width))
    return found


def _path(found: Sequence[tuple[float, float, float]], tallest: float) -> str:
    steps, before = [], None
    for left, right, height in found:
        top = _HEIGHT * (1 - height / tallest)
        if before is None or left - before > 1e-9:
            steps.append(
                f"{'' if before is None else f'V{_HEIGHT:g}'}M{left * _WIDTH:.1f},{_HEIGHT:g}"
            )
        steps.append(f"V{top:.1f}H{right * _WIDTH:.1f}")
        before = right
    return "".join(steps) + f"V{_HEIGHT:g}"


def shares(column: Mapping[str, Any], most: int = 5) -> list[tuple[str, dict[str, float]]]:
    """Returns the most frequent values with their share of the values of each source.

    The last entry has all others, if there are any. A value that a source's list lacks has no
    entry there: TFDV keeps the most frequent ones alone.
    """
    tops = {
        source: dict(map(tuple, found.get("top", []))) for source, found in column["of"].items()
    }
    filled = {source: found["rows"] - found["missing"] for source, found in column["of"].items()}
    sources = [source for source in tops if filled[source] > 0]
    values = list(dict.fromkeys(value for source in sources for value in tops[source]))[:most]
    found = [
        (value, {s: tops[s][value] / filled[s] for s in sources if value in tops[s]})
        for value in values
    ]
    rest = {s: 1 - sum(shown.get(s, 0.0) for _, shown in found) for s in sources}
    if any(share > 5e-5 for share in rest.values()):
        found.append((REST, {s: max(share, 0.0) for s, share in rest.items()}))
    return found
