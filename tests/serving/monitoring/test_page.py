import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from beltline.serving.monitoring.page import page
from beltline.serving.monitoring.report import (
    Bar,
    ColumnReport,
    LiveMetric,
    Measure,
    MonitoringReport,
)
from tests.browser import width_of

CALM = ColumnReport(
    "heat", "number", {"skew": Measure(0.01, 0.05, 0.02)}, [Bar("1 to 2", 0.25, 0.5)]
)
ALARMING = ColumnReport(
    "<Mold & ü>",
    "category",
    {"skew": Measure(0.2, 0.05, 0.01), "new": Measure(0.125, 0.01, 0.0)},
    [Bar("<script>alert(1)</script>", 0.0, 0.125), Bar("A", 1.0, 0.875)],
    new=["<script>alert(1)</script>"],
    anomalies=["wrong: as <b>nobody</b> expects"],
)
REPORT = MonitoringReport(
    name="casting",
    version=7,
    begin=datetime(2026, 11, 25, 12, tzinfo=UTC),
    end=datetime(2026, 11, 26, 12, tzinfo=UTC),
    rows=1234,
    rows_before=99,
    columns=[CALM, ALARMING],
    scores=[replace(CALM, name="probability")],
    labelled_rows=456,
    metrics=[LiveMetric("auc", 0.75, 0.8, None), LiveMetric("f1", None, None, None)],
    notes=["No drift: 99 rows before."],
)


class Balanced(HTMLParser):
    """Fails on an element that is not closed, and gathers the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "html"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "html":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def text_of(html):
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    return re.sub(r"\s+", " ", parser.text)


def test_alarms_come_first_and_columns_with_an_alarm():
    text = text_of(page(REPORT))
    assert "4 alarms auc: is 0.75 (at least 0.8)" in text
    assert (
        text.index("4 alarms") < text.index("With the labels") < text.index("The model's answers")
    )
    assert text.index("Columns") < text.index("<Mold & ü>category") < text.index("heatnumber")
    assert "from evaluation 0.010 at most 0.050" in text
    assert "from training 0.200 at most 0.050" in text
    assert "new values 12.5% at most 1.0%" in text
    assert "1,234 rows sampled, 99 in the time before" in text
    assert "No drift: 99 rows before." in text


def test_a_report_without_alarms():
    text = text_of(page(replace(REPORT, columns=[CALM], metrics=[], notes=[])))
    assert "No alarm" in text
    assert "labels" not in text


def test_data_are_escaped_in_the_page():
    html = page(REPORT)
    assert "<script" not in html
    assert "<b>" not in html


def test_it_needs_nothing_beside_it():
    html = page(REPORT)
    assert not re.search(r"(src|href)=|url\(|@import|https?://", html)
    assert 'name="viewport"' in html


def test_the_bars_are_as_long_as_the_shares():
    widths = re.findall(r'<rect class="(\w+)"[^>]*width="([0-9.]+)"', page(REPORT))
    assert widths[:2] == [("reference", "50.00"), ("live", "100.00")]
    assert widths[2:6] == [
        ("reference", "0.00"),
        ("live", "12.50"),
        ("reference", "100.00"),
        ("live", "87.50"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_is_wider_than_the_screen(tmp_path, width):
    columns = [replace(ALARMING, name="a_name_without_any_place_to_break_it_" * 4), *[CALM] * 5]
    html = page(replace(REPORT, columns=columns))
    assert width_of(html, width, tmp_path) <= width
