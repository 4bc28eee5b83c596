"""The result of the monitoring: columns with their measures, live metrics, alarms."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MEASURES = {
    "skew": "from training",
    "drift": "from before",
    "new": "new values",
    "missing": "more missing",
}
"""What can be measured of a column, with its heading."""
_SHARES = ("new", "missing")
_TEXTS = {
    "skew": "is {value} away from {reference} (at most {limit})",
    "drift": "is {value} away from the window before (at most {limit})",
    "new": "{value} of the values are new{examples} (at most {limit})",
    "missing": "{value} more rows than in training have no value (at most {limit})",
}


@dataclass(frozen=True)
class Measure:
    """A distance or a share; `limit` is the settings', `chance` what chance alone gives."""

    value: float
    limit: float
    chance: float

    @property
    def threshold(self) -> float:
        """What the value may be at most."""
        return max(self.limit, self.chance)

    @property
    def is_alarm(self) -> bool:
        """Whether the value exceeds both."""
        return self.value > self.threshold


@dataclass(frozen=True)
class Bar:
    """A value or a range of them, with its share of the reference's rows and of the live ones."""

    label: str
    reference: float
    live: float


@dataclass(frozen=True)
class ColumnReport:
    """A column, or an answer of the model, beside its reference.

    `kind` is number or category; `measures` are by the names in `MEASURES`; `anomalies` are what
    the schema doesn't allow; `new` are some values that the training rows don't have.
    """

    name: str
    kind: str
    measures: dict[str, Measure]
    bars: list[Bar] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    reference: str = "the training rows"

    @property
    def alarms(self) -> list[str]:
        """A sentence for each measure above its limit, and for each anomaly."""
        past = [name for name, measure in self.measures.items() if measure.is_alarm]
        return [
            *(f"{self.name}: {self._sentence(name)}" for name in past),
            *(f"{self.name}: {anomaly}" for anomaly in self.anomalies),
        ]

    def _sentence(self, name: str) -> str:
        measure = self.measures[name]
        return _TEXTS[name].format(
            value=shown(name, measure.value),
            limit=shown(name, measure.threshold),
            reference=self.reference,
            examples=f": {', '.join(self.new)}" if self.new else "",
        )


@dataclass(frozen=True)
class LiveMetric:
    """A metric on the rows whose label has arrived; None if it is undefined for these rows."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None

    @property
    def alarms(self) -> list[str]:
        """A sentence if it is out of its bounds."""
        if self.value is None:
            return []
        if self.lower is not None and self.value < self.lower:
            return [f"{self.name}: is {self.value:.4g} (at least {self.lower:g})"]
        if self.upper is not None and self.value > self.upper:
            return [f"{self.name}: is {self.value:.4g} (at most {self.upper:g})"]
        return []


@dataclass(frozen=True)
class MonitoringReport:
    """The result of a check. Without columns there were too few rows; a note says so.

    `rows` were sampled from `begin` to `end`, and `rows_before` in as long a time before; where
    there are very many, some of them are compared. `labelled_rows` of the live version have a
    label by now.
    """

    name: str
    version: int
    begin: datetime
    end: datetime
    rows: int
    rows_before: int = 0
    columns: list[ColumnReport] = field(default_factory=list)
    scores: list[ColumnReport] = field(default_factory=list)
    labelled_rows: int = 0
    metrics: list[LiveMetric] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def alarms(self) -> list[str]:
        """A sentence for each value beyond its limit, the most important first."""
        found: list[LiveMetric | ColumnReport] = [*self.metrics, *self.scores, *self.columns]
        return [alarm for each in found for alarm in each.alarms]

    @property
    def title(self) -> str:
        """The model, the version, the time and the rows, on a line."""
        begin, end = (f"{time.astimezone():%Y-%m-%d %H:%M}" for time in (self.begin, self.end))
        return f"{self.name} version {self.version} · {begin} to {end} · {self.rows} rows"

    def table(self) -> list[list[str]]:
        """Returns a row for each column and answer, with a heading; empty with too few rows."""
        if not (self.columns or self.scores):
            return []
        head = ["column", *MEASURES.values(), ""]
        return [head, *(_row(each) for each in (*self.scores, *self.columns))]

    def as_json(self) -> dict[str, Any]:
        """Returns all of it as plain values; times are ISO texts, what is undefined is null."""
        return {
            "name": self.name,
            "version": self.version,
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "rows": self.rows,
            "rows_before": self.rows_before,
            "alarms": self.alarms,
            "columns": [_column_as_json(column) for column in self.columns],
            "scores": [_column_as_json(column) for column in self.scores],
            "labelled_rows": self.labelled_rows,
            "metrics": [_metric_as_json(metric) for metric in self.metrics],
            "notes": self.notes,
        }


def shown(name: str, value: float) -> str:
    """Returns a measure as text: shares as percent."""
    return f"{value:.1%}" if name in _SHARES else f"{value:.3f}"


def _row(column: ColumnReport) -> list[str]:
    cells = [
        shown(name, column.measures[name].value) if name in column.measures else "-"
        for name in MEASURES
    ]
    return [column.name, *cells, ", ".join(_marks(column))]


def _marks(column: ColumnReport) -> Iterator[str]:
    for name, measure in column.measures.items():
        if measure.is_alarm:
            yield f"{name} > {shown(name, measure.threshold)}"
    if column.anomalies:
        yield "not as the schema says"


def _column_as_json(column: ColumnReport) -> dict[str, Any]:
    measures = {
        name: {
            "value": _finite(measure.value),
            "limit": measure.limit,
            "chance": _finite(measure.chance),
            "alarm": measure.is_alarm,
        }
        for name, measure in column.measures.items()
    }
    return {
        "name": column.name,
        "kind": column.kind,
        "measures": measures,
        "new": column.new,
        "anomalies": column.anomalies,
    }


def _metric_as_json(metric: LiveMetric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "value": metric.value,
        "lower": metric.lower,
        "upper": metric.upper,
        "alarm": bool(metric.alarms),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
