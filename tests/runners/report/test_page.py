import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from beltline.runners.report.evaluation import EvaluationResult
from beltline.runners.report.page import page
from tests.browser import width_of
from tests.runners.report.reports import IMPORTANCE, NODES, REPORT

FAILED = {**NODES[1], "state": "failed", "reason": "no memory\n<second> line"}
GONE = {
    name: f"no {name} here"
    for name in ("data", "metrics", "slices", "importance", "hyperparameters", "version")
}


class Read(HTMLParser):
    """Fails on an element that is not closed; gathers the text and the tables' parts."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.heads, self.ids, self.labels, self.tables = [], "", [], [], [], 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in ("meta", "html"):
            self.open.append(tag)
        if tag == "th":
            self.heads.append(given.get("scope"))
        if tag == "table":
            self.tables += 1
        if "id" in given:
            self.ids.append(given["id"])
        if "aria-labelledby" in given:
            self.labels.append(given["aria-labelledby"])

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag != "html":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f"{data} "


def read(report):
    parser = Read()
    parser.feed(page(report))
    assert parser.open == []
    return parser


def text_of(report):
    return re.sub(r"\s+", " ", read(report).text)


def test_every_section_is_told():
    text = text_of(REPORT)
    assert "casting run 20261126-040000-abcd" in text
    assert "Done · version 2" in text
    assert "Trainer done 3.0" in text
    assert "this model is version 2 already" in text
    assert "path in/*.csv" in text
    assert "train 14,120" in text
    assert "left out: unreadable 2" in text
    assert "a.csv 7 - 3 cells, not 4" in text
    assert "Compared with the champion, version 1, on the same rows." in text
    assert "0.9000 (missed) 0.9200 -0.0200 at least 0.6, against the champion at least +0" in text
    assert "rows 3,912 3,912 -" in text
    assert "mold=<b>B</b> 489 0.8200 -0.0800 0.9000" in text
    assert "1 more with fewer than 250 rows" in text
    assert "How much auc falls, from 0.9100, where a column is shuffled among 2,000 rows" in text
    assert "trees 0.62 0.0712 network 0.38 0.0757" in text
    assert "learning_rate 0.001" in text
    assert "found by the Tuner" in text
    assert "Version 2, pushed 2026-11-2" in text
    assert "It is live now." in text


def test_columns_and_slices_keep_their_order():
    text = text_of(REPORT)
    paths = [
        text.index(name) for name in ("mold=<b>B</b>", "mold=A", "<Mold & ü>", "heat", "noise")
    ]
    assert paths == sorted(paths)


def test_where_less_is_better_the_metric_rises():
    evaluated = replace(REPORT.evaluation, metric="rmse", lower_is_better=True)
    assert "How much rmse rises" in text_of(replace(REPORT, evaluation=evaluated))


def test_without_a_champion_there_is_no_column_for_it():
    alone = [replace(each, champion=None) for each in REPORT.evaluation.metrics]
    html = page(replace(REPORT, evaluation=replace(REPORT.evaluation, metrics=alone)))
    assert "There was no champion to compare with." in html
    assert ">champion</th>" not in html
    assert page(REPORT).count(">champion</th>") == 2


def test_a_trial_without_a_value_has_a_dash():
    html = page(REPORT)
    [head] = re.findall(r"<thead><tr>(<th scope=\"col\">trial_id.*?)</tr>", html)
    assert re.findall(r">(\w+)</th>", head) == ["trial_id", "score", "depth", "width"]
    assert '<th scope="row">1</th><td>-</td><td>-</td><td>0.5</td>' in html


def test_what_is_not_there_is_said():
    empty = replace(
        REPORT,
        run={**REPORT.run, "state": "failed", "version": "", "started": None, "seconds": None},
        nodes=[FAILED],
        data={},
        evaluation=EvaluationResult(),
        hyperparameters={},
        learners=[],
        trials=[],
        version={},
        missing=GONE,
    )
    text = text_of(empty)
    assert "Failed · no new version Trainer failed: no memory <second> line" in text
    assert all(said in text for said in GONE.values())
    assert "Trials" not in text and "Learners" not in text
    assert "No node of this run is known." in text_of(replace(empty, nodes=[]))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"kept": False}, "Version 2; its files are no longer kept."),
        ({"live": False}, "Another one is live now."),
        ({"first": True}, "the first of its kind"),
        ({"refit": True}, "It is a refit: the metrics are those of the model that the gates have"),
    ],
)
def test_what_became_of_the_version(changed, says):
    assert says in text_of(replace(REPORT, version={**REPORT.version, **changed}))


def test_long_lists_are_cut_and_counted():
    columns = [{"column": f"c{n}", "loss": 0.1, "deviation": 0.0} for n in range(1041)]
    many = replace(REPORT.evaluation, importance={**IMPORTANCE, "columns": columns})
    text = text_of(replace(REPORT, evaluation=many))
    assert "c39" in text and "c40" not in text
    assert "And 1,001 more." in text


def test_nothing_of_the_data_is_markup():
    html = page(replace(REPORT, nodes=[FAILED]))
    assert "<b>" not in html
    assert "<second>" not in html
    assert "<Mold" not in html


def test_it_needs_nothing_beside_it():
    html = page(REPORT)
    assert not re.search(r"(src|href)=|url\(|@import|https?://|<script", html)
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def test_every_heading_of_a_table_says_what_it_heads():
    found = read(REPORT)
    assert found.tables > 6
    assert set(found.heads) == {"col", "row"}
    assert set(found.labels) <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_bars_are_as_long_as_what_they_show():
    html = page(REPORT)
    bars = re.findall(r'<rect x="([0-9.]+)" y="1" height="8" width="([0-9.]+)"', html)
    # When the nodes ran, in hundredths of the run; then the worth of each column.
    assert bars == [
        ("0.00", "25.00"),
        ("25.00", "75.00"),
        ("0", "75.00"),
        ("0", "50.00"),
        ("0", "0.00"),
    ]
    spread = re.findall(r'<line x1="([0-9.]+)" x2="([0-9.]+)"', html)
    assert spread == [("50.00", "100.00"), ("0.00", "1.00")]


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_is_wider_than_the_screen(tmp_path, width):
    long = "a_name_without_any_place_to_break_it_" * 4
    columns = [{"column": long, "loss": 0.1, "deviation": 0.01}]
    evaluated = replace(REPORT.evaluation, importance={**IMPORTANCE, "columns": columns})
    wide = replace(
        REPORT,
        nodes=[*NODES, {**FAILED, "reason": long}],
        evaluation=evaluated,
        data={**REPORT.data, "path": long},
        trials=[{f"{long}{number}": 1.0 for number in range(9)}],
    )
    assert width_of(page(wide), width, tmp_path) <= width
