"""The partial dependence on the most important columns: charts for numbers, tables for texts.

What is drawn is in `dependence.json` beside TFMA's files, see `pipeline/evaluation/dependence.py`.
All columns have the same scale, so that what changes much looks so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from beltline.runners.report.charts import Chart, Series

_MOST_CLASSES = 3
# How much of a chart's height the outline of the rows takes.
_FOOT = 0.2

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """How a column is shown: as a chart or, if there is none, as a table of `points`.

    `answers` of a point are those of the classes that are shown; `at` is where the first of them
    lies on the scale of all columns, from 0 to 1.
    """

    column: str
    chart: Chart | None
    points: list[dict[str, Any]]


@dataclass(frozen=True)
class Answers:
    """What the answers of all columns are called, one name for each that is shown."""

    names: list[str]
    left_out: int
    columns: list[Shown]


def shown(found: Mapping[str, Any], classes: Sequence[str]) -> Answers | None:
    """Returns what to show of a partial dependence; None where there is none.

    Args:
      found: what the Evaluator has written.
      classes: the label's; where they aren't known, there is nothing to show of a classification.
    """
    points = [point for each in found.get("columns", []) for point in each["points"]]
    names = _names(found["output"], len(points[0]["answers"]), classes) if points else []
    if not names:
        return None
    picked = _picked(points)
    answers = [point["answers"][place] for point in points for place in picked]
    ends = _ends(min(answers), max(answers))
    named = [names[place] for place in picked]
    columns = [
        _shown(each["column"], [_of(point, picked, ends) for point in each["points"]], named, ends)
        for each in found["columns"]
        if each["points"]
    ]
    return Answers(named, len(names) - len(picked), columns)


def _picked(points: Sequence[Point]) -> list[int]:
    """Returns the places of the classes whose answers change most, in their order."""
    columns = list(zip(*(point["answers"] for point in points), strict=True))
    ranges = [max(column) - min(column) for column in columns]
    return sorted(sorted(range(len(ranges)), key=lambda each: -ranges[each])[:_MOST_CLASSES])


def _names(output: str, count: int, classes: Sequence[str]) -> list[str]:
    if output == "prediction":
        return ["prediction"]
    # Of a binary model, it is the second class.
    return [f"probability of {each}" for each in classes[-count:]]


def _ends(least: float, greatest: float) -> tuple[float, float]:
    """Returns the ends of all scales, with room for the outline of the rows at the foot."""
    span = (greatest - least) or abs(greatest) or 1.0
    return least - _FOOT * span, greatest + 0.05 * span


def _of(point: Point, picked: Sequence[int], ends: tuple[float, float]) -> dict[str, Any]:
    answers = [point["answers"][place] for place in picked]
    at = (answers[0] - ends[0]) / (ends[1] - ends[0])
    return {**point, "answers": answers, "at": at}


def _shown(
    column: str, points: list[dict[str, Any]], names: Sequence[str], ends: tuple[float, float]
) -> Shown:
    numbers = [point for point in points if isinstance(point["value"], int | float)]
    # Whole numbers beyond 2^53 may differ, and be the same to a chart.
    if len({float(point["value"]) for point in numbers}) < 2:
        return Shown(column, None, points)
    missing = [point for point in points if point["value"] is None]
    return Shown(column, _chart(column, numbers, missing, names, ends), points)


def _chart(
    column: str,
    numbers: Sequence[Point],
    missing: Sequence[Point],
    names: Sequence[str],
    ends: tuple[float, float],
) -> Chart:
    first, last = numbers[0], numbers[-1]
    changes = (
        f"{name} {first['answers'][place]:.4g} to {last['answers'][place]:.4g}"
        for place, name in enumerate(names)
    )
    about = f"From {first['value']:.6g} to {last['value']:.6g}: {', '.join(changes)}."
    for point in missing:
        means = ", ".join(f"{answer:.4g}" for answer in point["answers"])
        about += f" Missing in {point['share']:.1%} of the rows: {means}."
    series = [
        Series(name, [(point["value"], point["answers"][place]) for point in numbers], "joined")
        for place, name in enumerate(names)
    ]
    return Chart(
        title=column,
        about=about,
        across=column,
        up=names[0] if len(names) == 1 else "probability",
        series=[*series, Series("rows", list(_outline(numbers, ends)), "area")],
        heights=ends,
    )


def _outline(numbers: Sequence[Point], ends: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Yields an outline at the foot of a chart, as high as the rows are dense there."""
    values = [float(point["value"]) for point in numbers]
    middles = [low / 2 + high / 2 for low, high in pairwise(values)]
    edges = [values[0], *middles, values[-1]]
    dense = [
        point["share"] / (high - low) if high > low else 0.0
        for point, low, high in zip(numbers, edges, edges[1:], strict=False)
    ]
    foot = ends[0]
    scale = (ends[1] - foot) * _FOOT * 0.6 / (max(dense) or 1.0)
    yield edges[0], foot
    for height, low, high in zip(dense, edges, edges[1:], strict=False):
        yield low, foot + scale * height
        yield high, foot + scale * height
    yield edges[-1], foot
