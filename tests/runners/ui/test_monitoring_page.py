import re

import pytest

from beltline.runners.monitor.past import past_file, remember
from beltline.runners.ui import monitoring_page
from tests.runners.monitor.test_past import report


@pytest.fixture
def file(paths):
    return past_file(paths.root, "line")


def text(answer):
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def test_before_the_first_check_the_command_is_named(client, file):
    assert "No check has compared requests" in text(client.get("/monitoring"))
    assert not file.parent.exists()


def test_checks_and_columns_are_shown(client, file):
    remember(file, report(0))
    remember(file, report(1, skew=0.08, columns=("temp", "<b>")))
    shown = client.get("/monitoring")
    plain = text(shown)
    assert "version 3 , 2,000 rows, 2 alarms ." in plain
    assert "temp: is 0.080 away from the training rows (at most 0.050)" in plain
    assert "0.080 exceeds at most 0.050" in plain
    assert "2,000 2 2026-11-01" in plain and plain.endswith("2,000 0")
    assert shown.text.count('<svg class="chart"') == 2
    assert 'href="/monitoring?column=%3Cb%3E"' in shown.text and "<b>" not in shown.text
    assert "style=" not in shown.text


def test_one_column(client, file):
    remember(file, report(columns=("temp", "a/b&c")))
    shown = client.get("/monitoring", params={"column": "a/b&c"})
    assert shown.text.count('<svg class="chart"') == 1 and "Column a/b&c" in shown.text.replace(
        "&amp;", "&"
    )
    unknown = client.get("/monitoring", params={"column": "<i>"})
    assert unknown.status_code == 200 and "no such column" in unknown.text
    assert "<i>" not in unknown.text


def test_of_many_checks_the_latest_are_listed(client, file, monkeypatch):
    monkeypatch.setattr(monitoring_page, "_MOST_LISTED", 2)
    for day in range(3):
        remember(file, report(day))
    plain = text(client.get("/monitoring"))
    assert "The last 2 of 3 checks" in plain and "of 3 checks:" in plain
    assert "2026-11-01" not in plain and "2026-11-02" in plain


def test_what_cannot_be_read_is_said(client, file):
    file.mkdir(parents=True)
    shown = client.get("/monitoring")
    assert shown.status_code == 503
    assert "line.reports.jsonl can&#39;t be read: Is a directory" in shown.text
