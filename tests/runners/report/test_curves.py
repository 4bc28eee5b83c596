"""The curves from what the Evaluator has counted; scikit-learn has the same from the rows."""

import json

import numpy as np
import pytest
from sklearn import metrics

from beltline.pipeline.evaluation import curves as written
from beltline.pipeline.evaluation.metrics import Confusion, Decisions, ScoreHistogram
from beltline.runners.metadata.store import Lineage
from beltline.runners.report.curves import read_curves
from tests.runners.projects import Ledger, paths

ROWS = 400
RNG = np.random.default_rng(5)
LABELS = (RNG.random(ROWS) < 0.3).astype(float)
# Of one bucket each, so that nothing is lost.
SCORES = (np.clip(RNG.normal(0.3 + 0.3 * LABELS, 0.2), 0.01, 0.98) * 1000).astype(int) / 1000 + 5e-4


def counted(scores=SCORES, labels=LABELS):
    said = (scores > 0.5).astype(float)
    return {
        "score_histogram": ScoreHistogram().of(labels, scores[:, None]),
        "decisions": Decisions().of(labels, said[:, None]),
    }


def told(folder, counts, answers=(), trained=None):
    written.write(folder, counts, np.array(answers, float).reshape(-1, 2))
    return read(folder, trained)


def read(folder, trained=None):
    ledger = Ledger(paths(folder).metadata)
    ledger.run("r1")
    ledger.node(
        "r1", "Evaluator", outputs={"evaluation": ("ModelEvaluation", {"uri": str(folder)})}
    )
    model = {"model": ("Model", {"uri": str(folder / "model")})}
    ledger.node("r1", "Trainer", outputs=model, custom_config=json.dumps(trained or {}))
    lineage = Lineage(paths(folder).metadata, "line")
    return read_curves(lineage, {each.node: each for each in lineage.nodes("r1")})


def test_roc_and_its_area_are_those_of_the_rows(tmp_path):
    found = told(tmp_path, {"candidate": counted(), "baseline": {}})
    rates = np.array(found["candidate"]["roc"])
    assert found["candidate"]["roc"][0] == [0.0, 0.0]
    assert found["candidate"]["roc"][-1] == [1.0, 1.0]
    area = metrics.auc(rates[:, 0], rates[:, 1])
    assert area == pytest.approx(metrics.roc_auc_score(LABELS, SCORES))
    assert "baseline" not in found


def test_precision_and_recall_are_those_of_the_rows(tmp_path):
    found = told(tmp_path, {"candidate": counted()})["candidate"]["precision_recall"]
    precision, recall, _ = metrics.precision_recall_curve(LABELS, SCORES)
    expected = sorted({(r, p) for r, p in zip(recall, precision, strict=True) if r > 0})
    ours = sorted({(r, p) for r, p in found if r > 0})
    assert np.array(ours) == pytest.approx(np.array(expected))


def test_the_groups_of_the_calibration_have_all_rows(tmp_path):
    groups = np.array(told(tmp_path, {"candidate": counted()})["candidate"]["calibration"])
    assert 8 <= len(groups) <= 11
    assert groups[:, 2].sum() == ROWS
    assert (groups[:, 0] * groups[:, 2]).sum() == pytest.approx(SCORES.sum())
    assert (groups[:, 1] * groups[:, 2]).sum() == pytest.approx(LABELS.sum())
    assert list(groups[:, 0]) == sorted(groups[:, 0])


def test_the_decisions_are_the_confusion_at_the_threshold(tmp_path):
    extra = tmp_path / "model" / "Format-Serving" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "threshold.json").write_text("0.5")
    classes = {"features": {"classes": ["ok", "scrap"]}}
    found = told(tmp_path, {"candidate": counted()}, trained=classes)
    negatives, positives = metrics.confusion_matrix(LABELS, SCORES > 0.5)
    expected = [positives[1], negatives[1], positives[0], negatives[0]]
    assert found["candidate"]["decisions"] == expected
    assert (found["threshold"], found["classes"]) == (0.5, ["ok", "scrap"])


def test_rows_of_one_class_have_no_curve(tmp_path):
    found = told(tmp_path, {"candidate": counted(labels=np.zeros(ROWS))})
    assert list(found["candidate"]) == ["decisions"]
    assert found["threshold"] is None


def test_several_classes_have_a_matrix(tmp_path):
    matrix = Confusion().of(np.array([0, 1, 2, 2]), np.eye(3)[[0, 2, 2, 2]])
    found = told(tmp_path, {"candidate": {"confusion": matrix}})
    assert found["candidate"] == {"confusion": [[1, 0, 0], [0, 0, 1], [0, 0, 2]]}


@pytest.mark.parametrize(
    "matrix", [Confusion().of(np.arange(60), np.eye(60)), np.full((2, 2), np.nan)]
)
def test_too_many_classes_and_what_is_no_number_have_none(tmp_path, matrix):
    assert told(tmp_path, {"candidate": {"confusion": matrix}}) == {}


def test_a_regression_has_answers_of_some_rows(tmp_path):
    answers = [[float(n), n + 0.5] for n in range(600)]
    found = told(tmp_path, {}, [*answers[:10], [1.0, np.nan], *answers[10:]])
    assert found["answers"] == answers[:500]


def test_a_run_of_an_older_beltline_has_none(tmp_path):
    assert read(tmp_path) == {}
    assert read_curves(None, {}) == {}


def test_a_file_that_can_not_be_read_has_none(tmp_path):
    (tmp_path / "curves.json").write_text("{broken")
    assert read(tmp_path) == {}
