"""The report as one self-contained page: the template `page.html`, rendered."""

from collections.abc import Iterable
from datetime import datetime

from jinja2 import Environment, PackageLoader

from beltline.serving.monitoring.report import MEASURES, Bar, ColumnReport, MonitoringReport, shown


def page(report: MonitoringReport) -> str:
    """Returns the page as HTML; columns with an alarm come first."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"local": _local, "number": _number, "longest": _longest}
    return environment.get_template("page.html").render(
        report=report,
        scores=_by_weight(report.scores),
        columns=_by_weight(report.columns),
        headings=MEASURES,
        shown=shown,
    )


def _by_weight(columns: Iterable[ColumnReport]) -> list[ColumnReport]:
    """Returns columns with an alarm first, then those that are nearest to one."""
    return sorted(columns, key=lambda column: (not column.alarms, -_weight(column)))


def _weight(column: ColumnReport) -> float:
    measures = column.measures.values()
    return max((each.value / each.threshold for each in measures if each.threshold), default=0.0)


def _longest(bar: Bar) -> float:
    return max(bar.reference, bar.live)


def _local(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
