import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from beltline.runners.report.data import Columns
from beltline.runners.report.evaluation import EvaluationResult
from beltline.runners.report.page import page
from tests.browser import width_of
from tests.runners.report.reports import IMPORTANCE, NODES, NUMBERS, REPORT

FAILED = {**NODES[1], "state": "failed", "reason": "no memory\n<second> line"}
TEN = [[n / 7, (n + 1) / 7, 10.0 + n] for n in range(10)]
GONE = {
    name: f"no {name} here"
    for name in (
        "data",
        "columns",
        "transform",
        "metrics",
        "slices",
        "importance",
        "hyperparameters",
        "version",
    )
}


class Read(HTMLParser):
    """Fails on an element that is not closed; gathers the text and the tables' parts."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.heads, self.ids, self.labels, self.tables = [], "", [], [], [], 0
        self.pictures = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in ("meta", "html", "wbr"):
            self.open.append(tag)
        if tag == "th":
            self.heads.append(given.get("scope"))
        if tag == "table":
            self.tables += 1
        if tag == "svg":
            self.pictures.append(given)
        if "id" in given:
            self.ids.append(given["id"])
        if "aria-labelledby" in given:
            self.labels += given["aria-labelledby"].split()

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
    assert "0.9000 (missed) 0.8750 to 0.9250 0.9200 0.9000 to 0.9400 -0.0200 at least 0.6," in text
    assert "rows 3,912 - 3,912 - -" in text
    assert "mold=<b>B</b> 489 0.8200 0.7500 to 0.8750 -0.0800 +0.0100 0.9000" in text
    assert "auc is 0.9000 & must be more." in text
    assert "1 more with fewer than 250 rows" in text
    assert "How much auc falls, from 0.9100, where a column is shuffled among 2,000 rows" in text
    assert "trees 0.62 0.0712 network 0.38 0.0757" in text
    assert "learning_rate 0.001" in text
    assert "found by the Tuner" in text
    assert "Version 2, pushed 2026-11-2" in text
    assert "It is live now." in text


def test_what_transform_did():
    text = text_of(REPORT)
    assert "rank among the training rows as a normal score" in text
    assert "The label is bad, in the order ok, <scrap>." in text
    assert (
        "mold text - 7 learnt A & ü, <b>, … 25% made text hour - - - cooling number yes - - -"
        in text
    )
    other = replace(REPORT, transform={"preprocessing_fn": "mine.fn"})
    assert "Done by mine.fn: what it makes" in text_of(other)
    wide = {**REPORT.transform, "columns": REPORT.transform["columns"] * 20}
    assert "And 20 more." in text_of(replace(REPORT, transform=wide))


def test_the_partial_dependence():
    text = text_of(REPORT)
    assert "Partial dependence of the probability of <scrap> on the most" in text
    assert "From 12.5 to 40: probability of <scrap> 0.125 to 0.75. Missing in 12.5% of" in text
    assert "A & <b> 0.3750 75% missing 0.6250 25%" in text
    assert "The 1 classes" not in text
    alone = page(replace(REPORT, dependence={}))
    assert "Partial dependence" not in alone


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
    html = page(REPORT).replace("<wbr>", "")
    [head] = re.findall(r"<thead><tr>(<th scope=\"col\">trial_id.*?)</tr>", html)
    assert re.findall(r">(\w+)</th>", head) == ["trial_id", "score", "depth", "width"]
    assert '<th scope="row">1</th><td>-</td><td>-</td><td>0.5</td>' in html


def test_what_is_not_there_is_said():
    empty = replace(
        REPORT,
        run={**REPORT.run, "state": "failed", "version": "", "started": None, "seconds": None},
        nodes=[FAILED],
        data={},
        columns=Columns(),
        evaluation=EvaluationResult(),
        hyperparameters={},
        learners=[],
        training=[],
        trials=[],
        version={},
        why=[],
        curves={},
        settings={},
        origin={},
        upstream={},
        transform={},
        dependence={},
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
    assert set(found.heads) == {"col", "row", "rowgroup"}
    assert set(found.labels) <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_every_picture_is_named_or_hidden():
    found = read(REPORT).pictures
    assert len(found) > 8
    for each in found:
        named = each.get("aria-label") or each.get("aria-labelledby")
        assert each.get("aria-hidden") == "true" or (each["role"] == "img" and named), each


def test_the_columns_with_what_they_are_compared_with():
    text = text_of(REPORT)
    assert "of training and evaluation, and of version 1's training" in text
    assert "mold text, label training 0% 3 A & ü 60% , <b> 25% , C 15% evaluation 0% 1" in text
    assert "temperature number training 3% - 24.75 3.5 12 25 40 version 1 3% - 31.5 3.5" in text
    assert "mold new: <M09> train, eval refused temperature skewed eval warned" in text


def test_data_without_an_anomaly():
    alone = replace(REPORT.columns, live="", anomalies=[])
    text = text_of(replace(REPORT, columns=alone))
    assert "No anomaly: the data are as the schema says." in text
    assert "of training and evaluation missing" not in text
    assert "version 1's training" not in text


def test_the_graph_names_each_node_with_its_state():
    html = page(REPORT)
    assert "Trainer: done, after ExampleGen." in re.sub(r"\s+", " ", html)
    assert html.count('class="edge"') == 2
    assert 'class="node skipped"' in html
    unknown = replace(REPORT, upstream={"Else": ()})
    assert 'class="node not-run"' in page(unknown)


def test_the_curves_of_each_learner():
    text = text_of(REPORT)
    assert "Loss of network while it was trained At the end: train 0.25, validation 0.375." in text
    assert "Loss of trees while it was trained At the end: train 0.5." in text


def test_the_curves_of_a_binary_model_and_what_is_taken_for_what():
    text = text_of(REPORT)
    assert "At the threshold, 80.0% of the positives are found, and 10.0% of the negatives" in text
    assert "At the threshold, recall is 80.0% and precision 88.9%." in text
    assert "this model the champion at the threshold, 0.2500" in text
    assert "taken for <scrap> taken for ok <scrap> 40 10 ok 5 45" in text
    alone = {key: value for key, value in REPORT.curves.items() if key != "baseline"}
    assert "the champion at the threshold" not in text_of(replace(REPORT, curves=alone))


def test_a_model_that_finds_nothing_has_no_precision():
    candidate = {**REPORT.curves["candidate"], "decisions": [0.0, 0.0, 10.0, 90.0]}
    text = text_of(replace(REPORT, curves={**REPORT.curves, "candidate": candidate}))
    assert "At the threshold, no positive is found." in text


def test_the_confusion_of_several_classes():
    curves = {
        "candidate": {"confusion": [[9.0, 1.0, 0.0], [0.0, 7.0, 2.0], [0.0, 0.0, 1200.0]]},
        "answers": [],
        "threshold": None,
        "classes": ["a", "b", "c"],
    }
    text = text_of(replace(REPORT, curves=curves))
    assert "a b c a 9 1 0 b 0 7 2 c 0 0 1,200" in text
    assert "ROC" not in text
    assert "0 1 2 0 9 1 0" in text_of(replace(REPORT, curves={**curves, "classes": []}))


def test_the_answers_of_a_regression():
    html = page(replace(REPORT, curves={"answers": [[1.0, 1.5], [2.0, 1.0], [3.0, 3.5]]}))
    assert html.count('class="dot ') == 6
    assert "Predicted and actual values" in html and "Residuals" in html


def test_what_it_was_made_from_and_every_setting():
    text = text_of(REPORT)
    assert "data d1 model code c0de" in text
    assert "Every setting of each node Trainer steps 0 run_fn beltline.models.training" in text


def test_six_hundred_columns_stay_below_three_megabytes():
    number = REPORT.columns.columns[1]
    sources = {name: {**NUMBERS, "buckets": TEN} for name in ("train", "eval", "live")}
    many = [{**number, "column": f"a_rather_long_name_{n}", "of": sources} for n in range(600)]
    html = page(replace(REPORT, columns=replace(REPORT.columns, columns=many)))
    assert html.count('class="outline"') == 600
    assert len(html.encode()) < 2_000_000
    # Whoever looks for the metrics doesn't scroll past all of them.
    shown, hidden = html.split('<details class="box"><summary id="more-columns">')
    assert shown.count('class="outline"') == 40
    assert hidden.startswith("560 more columns</summary>")
    assert "more columns" not in page(REPORT)


def test_the_bars_are_as_long_as_what_they_show():
    html = page(replace(REPORT, dependence={}))
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
