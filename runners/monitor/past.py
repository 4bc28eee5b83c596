"""Past reports of the monitoring: what each has measured, on a JSON line.

They are beside the page, which has the last report alone, and are few enough to be read at once.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from beltline.base.files import replace
from beltline.base.locks import locked

FOLDER = "monitoring"
# More than a year of nights, or as many as fit where a table has hundreds of columns.
_MOST = 400
_MOST_BYTES = 4 << 20
_MOST_ALARMS = 20


class Measured(NamedTuple):
    """A value, and what it may be at most, or must be at least; None for no such bound."""

    value: float
    upper: float | None
    lower: float | None = None


@dataclass(frozen=True)
class PastReport:
    """A report: its time with a zone, the version, the rows that were compared, and the alarms.

    `alarms` are the most important of `alarm_count`. `columns` has the measures of each column and
    answer by name (skew, drift, new, missing), `metrics` the live metrics.
    """

    end: datetime
    version: int
    rows: int
    alarm_count: int
    alarms: list[str]
    columns: dict[str, dict[str, Measured]]
    metrics: dict[str, Measured]


def past_file(root: Path, name: str) -> Path:
    """Returns the file of a pipeline's past reports."""
    return root / FOLDER / f"{name}.reports.jsonl"


def remember(file: Path, report: Mapping[str, Any]) -> None:
    """Adds a report, unless it compared nothing; the oldest ones make room.

    Args:
      file: the file of the pipeline.
      report: as `MonitoringReport.as_json` has it.

    Raises:
      OSError: the file can't be written.
    """
    if not (report["columns"] or report["scores"] or report["metrics"]):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    added = json.dumps(_line(report), allow_nan=False, separators=(",", ":"))
    with locked(file.parent):
        replace(file, "".join(f"{line}\n" for line in _newest([*_lines(file), added])))


def past_reports(file: Path) -> list[PastReport]:
    """Returns the reports that are kept, the oldest first; a line that is none is left out."""
    found = [each for line in _lines(file) if (each := _report(line))]
    return sorted(found, key=lambda each: each.end)


def _line(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: report[name] for name in ("end", "version", "rows")},
        "alarm_count": len(report["alarms"]),
        "alarms": report["alarms"][:_MOST_ALARMS],
        "columns": {
            each["name"]: dict(_measures(each["measures"]))
            for each in (*report["scores"], *report["columns"])
        },
        "metrics": {
            each["name"]: [each["value"], each["upper"], each["lower"]]
            for each in report["metrics"]
            if each["value"] is not None
        },
    }


def _measures(measures: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """Yields each measure with its threshold; without one, or a value, there's no comparison."""
    for name, each in measures.items():
        if each["value"] is not None and each["chance"] is not None:
            yield name, [round(each["value"], 6), round(max(each["limit"], each["chance"]), 6)]


def _newest(lines: list[str]) -> list[str]:
    kept, size = 0, 0
    for line in reversed(lines[-_MOST:]):
        size += len(line.encode()) + 1
        if kept and size > _MOST_BYTES:
            break
        kept += 1
    return lines[-kept:]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _report(line: str) -> PastReport | None:
    try:
        found = json.loads(line)
        return PastReport(
            end=_time(found["end"]),
            version=int(found["version"]),
            rows=int(found["rows"]),
            alarm_count=int(found["alarm_count"]),
            alarms=[str(alarm) for alarm in found["alarms"]],
            columns={
                column: {name: _measured(*each) for name, each in measures.items()}
                for column, measures in found["columns"].items()
            },
            metrics={name: _measured(*each) for name, each in found["metrics"].items()},
        )
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _measured(value: float, upper: float | None, lower: float | None = None) -> Measured:
    for each in (value, upper, lower):
        # No text either, which would be compared as one.
        if each is not None and not math.isfinite(each):
            raise ValueError(each)
    return Measured(value + 0.0, upper, lower)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time
