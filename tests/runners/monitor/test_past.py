"""What is kept of each report of the monitoring."""

import json
import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest

from beltline.runners.monitor import past
from beltline.runners.monitor.past import Measured, past_file, past_reports, remember
from beltline.serving.monitoring.report import (
    ColumnReport,
    LiveMetric,
    Measure,
    MonitoringReport,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def report(day=0, skew=0.02, chance=0.01, metrics=(), columns=("temp",)):
    """What the monitoring returns, as it is stored."""
    found = [
        ColumnReport(name, "number", {"skew": Measure(skew, 0.05, chance)}) for name in columns
    ]
    end = NOON + timedelta(days=day)
    return MonitoringReport(
        "line", 3, end - timedelta(days=1), end, 2000, columns=found, metrics=list(metrics)
    ).as_json()


@pytest.fixture
def file(tmp_path):
    return past_file(tmp_path, "line")


def test_before_the_first_report_there_is_none(file):
    assert past_reports(file) == []


def test_what_was_measured_is_kept(file):
    remember(file, report(skew=0.08, metrics=[LiveMetric("auc", 0.8, 0.85, None)]))
    [kept] = past_reports(file)
    assert (kept.end, kept.version, kept.rows, kept.alarm_count) == (NOON, 3, 2000, 2)
    assert kept.columns == {"temp": {"skew": Measured(0.08, 0.05)}}
    assert kept.metrics == {"auc": Measured(0.8, None, 0.85)}
    assert kept.alarms[1] == "temp: is 0.080 away from the training rows (at most 0.050)"


def test_the_threshold_is_what_raised_the_alarm(file):
    remember(file, report(skew=0.08, chance=0.09))
    [kept] = past_reports(file)
    assert kept.columns["temp"]["skew"] == Measured(0.08, 0.09)
    assert kept.alarm_count == 0


def test_what_is_undefined_is_left_out(file):
    remember(file, report(skew=float("inf"), metrics=[LiveMetric("auc", None, None, None)]))
    remember(file, report(1, chance=float("inf")))
    assert [each.columns for each in past_reports(file)] == [{"temp": {}}] * 2
    assert past_reports(file)[0].metrics == {}


def test_a_report_that_compared_nothing_is_not_kept(file):
    remember(file, report(columns=()))
    assert not file.exists()
    remember(file, report(columns=(), metrics=[LiveMetric("auc", 0.8, None, None)]))
    assert len(past_reports(file)) == 1


def test_the_oldest_make_room(file, monkeypatch):
    monkeypatch.setattr(past, "_MOST", 3)
    for day in range(5):
        remember(file, report(day))
    assert [each.end.day for each in past_reports(file)] == [3, 4, 5]
    monkeypatch.setattr(past, "_MOST_BYTES", 2 * len(file.read_text().splitlines()[0]) + 2)
    remember(file, report(5))
    assert [each.end.day for each in past_reports(file)] == [5, 6]
    # One that is larger than all that may be kept is still the last.
    monkeypatch.setattr(past, "_MOST_BYTES", 10)
    remember(file, report(6))
    assert [each.end.day for each in past_reports(file)] == [7]


def test_of_many_alarms_the_first_are_kept(file):
    remember(file, report(skew=1.0, columns=[f"c{number}" for number in range(30)]))
    [kept] = past_reports(file)
    assert (kept.alarm_count, len(kept.alarms)) == (30, 20)


def test_names_may_be_any(file):
    names = ["Größe\n\u2028", "\udcff", "", "\x00"]
    remember(file, report(columns=names))
    assert len(file.read_bytes().splitlines()) == 1
    assert list(past_reports(file)[0].columns) == names


def test_lines_of_something_else_are_left_out(file):
    remember(file, report())
    whole = json.loads(file.read_text())
    changed = [
        {},
        {**whole, "end": "yesterday"},
        {**whole, "end": "2026-11-01T12:00:00"},
        {**whole, "columns": {"temp": {"skew": [1]}}},
        {**whole, "columns": {"temp": {"skew": ["a", 1]}}},
        {**whole, "columns": []},
        {**whole, "metrics": {"auc": 1}},
        {**whole, "rows": None},
        {**whole, "rows": float("inf")},
        {**whole, "columns": {"temp": {"skew": [float("nan"), 1]}}},
        {**whole, "columns": {"temp": {"skew": [1, float("inf")]}}},
        {**whole, "columns": {"temp": {"skew": [None, 1]}}},
        {**whole, "columns": {"temp": {"skew": ["1", "2"]}}},
        {**whole, "metrics": {"auc": [1, None, "0"]}},
    ]
    with file.open("ab") as lines:
        lines.write(b"\n{\n[]\nnull\n\xff\xfe\n" + b"[" * 9999 + b"\n")
        lines.writelines(json.dumps(each).encode() + b"\n" for each in changed)
    assert len(past_reports(file)) == 1
    remember(file, report(1))
    assert [each.end.day for each in past_reports(file)] == [1, 2]


def test_several_at_once_lose_none(file):
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=remember, args=(file, report(day))) for day in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [each.end.day for each in past_reports(file)] == list(range(1, 9))
