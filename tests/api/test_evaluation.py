from beltline.api.evaluation import Evaluation
from tests.runners.report.reports import REPORT


def test_the_numbers_are_those_of_the_artifact(root):
    found = root.runs["r1"].evaluation
    assert found and found.blessed
    assert found.metrics == {"auc": 0.75, "rows": 30.0}
    assert found.thresholds["auc"][:2] == ["at least 0.8", "at most 0.99"]
    assert found.missed == ["auc"]
    auc = found.frame.loc["auc"]
    assert (auc["low"], auc["high"], auc["champion"]) == (0.7, 0.8, 0.7)
    assert auc["difference"] == 0.75 - 0.7
    assert found.frame["champion_low"].isna().all()


def test_slices_begin_with_the_most_harmful(root):
    slices = root.runs["r1"].evaluation.slices
    assert (
        list(slices.index) == ["mold=A", "mold=<b>B</b>"] or slices["harm"].is_monotonic_decreasing
    )
    assert slices.loc["mold=<b>B</b>", "rows"] == 489


def test_importance_and_curves():
    found = Evaluation(REPORT)
    assert list(found.importance.loc["<Mold & ü>"]) == [0.075, 0.025]
    assert found.threshold == 0.25
    assert found.curves["candidate"]["decisions"] == [40.0, 5.0, 10.0, 45.0]


def test_it_is_shown_escaped():
    shown = Evaluation(REPORT)._repr_html_()
    assert "<Mold" not in shown and "&lt;Mold &amp; ü&gt;" in shown
    assert "ROC curve" in shown
    said = repr(Evaluation(REPORT)).splitlines()
    assert said[0].startswith("<Evaluation: ")


def test_a_run_without_one_says_so(root):
    found = root.runs["r3"].evaluation
    assert (found.metrics, found.thresholds, found.curves, found.threshold) == ({}, {}, {}, None)
    assert found.importance.empty
    assert repr(found) == "No model was evaluated in this run."
    assert "No model was evaluated" in found._repr_html_()
