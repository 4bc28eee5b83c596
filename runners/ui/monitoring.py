"""The monitoring over time: how near each column was to its limits, report by report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from beltline.runners.monitor.past import Measured, PastReport
from beltline.runners.report.charts import Chart, Series, drawn

MEASURES = {
    "skew": "from training",
    "drift": "from before",
    "new": "new values",
    "missing": "more missing",
}
_PERCENT = ("new", "missing")
# Drawing one takes some 25 ms.
_MOST_CHARTS = 12
_DAY = 86_400
_ACROSS = "days (0: the last check)"


@dataclass(frozen=True)
class Column:
    """A column at the last check: its measures, and the most of a limit that one has taken."""

    name: str
    measures: dict[str, Measured]
    share: float


@dataclass(frozen=True)
class OverTime:
    """What the page shows: the last report, its columns by their share, and charts by name."""

    last: PastReport
    columns: list[Column]
    charts: list[tuple[str, Markup]]
    metrics: list[tuple[str, Markup]]


def over_time(reports: Sequence[PastReport], chosen: str = "") -> OverTime:
    """Returns the charts of the columns that were nearest to a limit at the last check.

    Args:
      reports: the oldest first; not empty.
      chosen: a column to draw in place of these; one that is unknown has no chart.
    """
    last = reports[-1]
    columns = sorted(
        (Column(name, found, _share(found)) for name, found in last.columns.items()),
        key=lambda each: -each.share,
    )
    shown = [each for each in columns if each.name == chosen] if chosen else columns[:_MOST_CHARTS]
    return OverTime(
        last=last,
        columns=columns,
        charts=[
            (each.name, drawn(_column_chart(reports, each), f"column-{number}"))
            for number, each in enumerate(shown)
        ],
        metrics=[
            (name, drawn(_metric_chart(reports, name), f"metric-{number}"))
            for number, name in enumerate(last.metrics)
        ],
    )


def shown(name: str, value: float | None) -> str:
    """Returns a measure's value as the command prints it: shares as percent."""
    if value is None:
        return "-"
    return f"{value:.1%}" if name in _PERCENT else f"{value:.3f}"


def _column_chart(reports: Sequence[PastReport], column: Column) -> Chart:
    # Also of a measure that this column doesn't have: each has a colour of its own.
    series = [
        Series(heading, list(_shares(reports, column.name, name)), "joined")
        for name, heading in MEASURES.items()
    ]
    said = "; ".join(
        f"{heading} {shown(name, column.measures[name].value)}"
        f" of at most {shown(name, column.measures[name].upper)}"
        for name, heading in MEASURES.items()
        if name in column.measures
    )
    return Chart(
        title=column.name,
        about=f"At the last check: {said or 'nothing was compared'}.",
        across=_ACROSS,
        up="share of the limit",
        series=[*series, Series("limit", _level(reports, 1.0), "dashed")],
    )


def _metric_chart(reports: Sequence[PastReport], name: str) -> Chart:
    found = [(each, each.metrics[name]) for each in reports if name in each.metrics]
    last = found[-1][1]
    bounds = {"at least": last.lower, "at most": last.upper}
    limits = {word: bound for word, bound in bounds.items() if bound is not None}
    said = ", ".join(f"{word} {bound:.4g}" for word, bound in limits.items())
    return Chart(
        title=name,
        about=f"At the last check: {last.value:.4g}{f' ({said})' if said else ''}.",
        across=_ACROSS,
        up=name,
        series=[
            Series(
                name, [(_day(reports, each), measured.value) for each, measured in found], "joined"
            ),
            *(Series(word, _level(reports, bound), "dashed") for word, bound in limits.items()),
        ],
    )


def _shares(reports: Sequence[PastReport], column: str, name: str) -> Iterator[tuple[float, float]]:
    for report in reports:
        measured = report.columns.get(column, {}).get(name)
        if measured and measured.upper:
            yield _day(reports, report), measured.value / measured.upper


def _share(measures: dict[str, Measured]) -> float:
    return max((each.value / each.upper for each in measures.values() if each.upper), default=0.0)


def _level(reports: Sequence[PastReport], value: float) -> list[tuple[float, float]]:
    return [(_day(reports, reports[0]), value), (0.0, value)]


def _day(reports: Sequence[PastReport], report: PastReport) -> float:
    return (report.end - reports[-1].end).total_seconds() / _DAY
