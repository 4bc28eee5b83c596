"""The real Evaluator says which columns the answers hang on, and where the model does worst."""

import json
from pathlib import Path

import numpy as np
import pytest
from tensorflow_model_analysis.proto import config_pb2

from beltline.pipeline.components.explanation import FILE, PROPERTY, judged_by
from beltline.pipeline.evaluation import curves, dependence, results
from beltline.pipeline.evaluation.config import eval_config
from tests.pipeline.components.judged import judge, settings_of

ROWS = 600
SURE = {
    "binary": {"auc", "pr_auc", "calibration", "accuracy", "f1"},
    "multiclass": {"accuracy", "macro_f1"},
    "regression": {"rmse", "mae", "r2"},
}
ANSWER = {"binary": "probability", "multiclass": "probabilities", "regression": "prediction"}


def rows_of(task):
    """Rows whose answers are mostly right on mold A and mostly wrong on B; C has two rows."""
    chance = np.random.default_rng(3)
    for number in range(ROWS):
        mold = "C" if number < 2 else "AB"[number % 2]
        label = int(chance.integers(0, 3 if task == "multiclass" else 2))
        right = chance.random() < (0.9 if mold == "A" else 0.6)
        said = label if right else (label + 1) % (3 if task == "multiclass" else 2)
        row = {"label_index": float(label), "mold": mold, "noise": chance.random()}
        for prefix in ("", "champion_"):
            row |= {
                f"{prefix}probability": 0.1 + 0.7 * said + 0.1 * chance.random(),
                f"{prefix}probabilities": np.eye(3)[said] * 0.6 + 0.1,
                f"{prefix}prediction": said + 0.1 * chance.random(),
                f"{prefix}decision": np.eye(3)[said] if task == "multiclass" else float(said),
            }
        yield row


def explained(evaluation):
    return json.loads((Path(evaluation.uri) / FILE).read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "champion"), [("binary", True), ("multiclass", False), ("regression", True)]
)
def test_an_evaluation_is_explained(tmp_path, task, champion):
    settings = settings_of(task, slices=["mold"], champion={"enabled": champion})
    evaluation, _ = judge(tmp_path, settings, list(rows_of(task)), champion)
    found = explained(evaluation)
    assert json.loads(evaluation.get_string_custom_property(PROPERTY)) == found
    assert found["metric"] == {"binary": "auc", "multiclass": "accuracy"}.get(task, "rmse")
    assert found["lower_is_better"] is (task == "regression")
    overall = results.overall(evaluation.uri, results.CANDIDATE)
    assert found["value"] == overall[found["metric"]]
    importance = found["importance"]
    # All rows are asked: the figure is TFMA's but for its buckets.
    assert importance["rows"] == ROWS
    assert importance["value"] == pytest.approx(found["value"], abs=0.001)
    worth = {each["column"]: each for each in importance["columns"]}
    first = importance["columns"][0]
    assert first["column"] == ANSWER[task]
    assert first["loss"] > 3 * first["deviation"] > 0
    assert worth["noise"] == {"column": "noise", "loss": 0.0, "deviation": 0.0}
    slices = found["slices"]
    assert (slices["least_rows"], slices["too_small"]) == (100, 1)
    assert [each["slice"] for each in slices["worst"]] == ["mold=B", "mold=A"]
    assert slices["worst"][0]["rows"] == 299
    by_slice = dict(results.by_slice(evaluation.uri, results.CANDIDATE))
    for each in slices["worst"]:
        assert each["value"] == by_slice[each["slice"]][found["metric"]]
        assert each["champion"] == (pytest.approx(each["value"], abs=0.1) if champion else None)
        low, high = each["interval"]
        assert low < each["value"] < high
    intervals = found["intervals"]
    assert set(intervals["candidate"]) == SURE[task]
    assert set(intervals["baseline"]) == (SURE[task] if champion else set())
    for metric, (low, high) in intervals["candidate"].items():
        assert low < overall[metric] < high
    drawn = json.loads((Path(evaluation.uri) / curves.FILE).read_text())
    if task == "regression":
        assert len(drawn["answers"]) == 500
    else:
        cells = np.array(drawn["candidate"]["decisions" if task == "binary" else "confusion"])
        right = cells[[0, 3]].sum() if task == "binary" else np.trace(cells)
        assert cells.sum() == ROWS
        assert right / ROWS == pytest.approx(overall["accuracy"])
        assert ("baseline" in drawn) is champion
    asked = json.loads((Path(evaluation.uri) / dependence.FILE).read_text())
    assert (asked["output"], asked["rows"]) == (ANSWER[task], dependence.MOST_ROWS)
    first = asked["columns"][0]
    assert first["column"] == ANSWER[task]
    for point in first["points"]:
        # The model answers with this column; of several values, the first is its point's.
        assert point["answers"][0] == pytest.approx(point["value"])


@pytest.mark.slow
def test_columns_alone_are_left_out_where_the_settings_say_so(tmp_path):
    settings = settings_of("binary", slices=["mold"], importance_rows=0)
    evaluation, _ = judge(tmp_path, settings, list(rows_of("binary")))
    found = explained(evaluation)
    assert found["importance"] is None
    assert not (Path(evaluation.uri) / dependence.FILE).exists()
    assert [each["slice"] for each in found["slices"]["worst"]] == ["mold=B", "mold=A"]


@pytest.mark.slow
def test_rows_that_can_not_tell_are_no_failure(tmp_path):
    rows = [row | {"label_index": 0.0} for row in rows_of("binary")]
    evaluation, _ = judge(tmp_path, settings_of("binary", slices=["mold"]), rows)
    found = explained(evaluation)
    assert found["value"] is None or found["value"] == 0
    assert found["importance"]["value"] is None
    assert found["importance"]["columns"] == []
    assert found["slices"]["worst"] == []


@pytest.mark.slow
def test_a_model_of_very_many_columns_is_not_asked_about_each(tmp_path):
    many = {f"more {number}": 1.0 for number in range(150)}
    rows = [row | many for row in rows_of("binary")]
    evaluation, _ = judge(tmp_path, settings_of("binary", slices=["mold"]), rows)
    found = explained(evaluation)
    assert found["importance"] == {"rows": 0, "repeats": 3, "value": None, "columns": []}
    assert found["slices"]["worst"]


@pytest.mark.slow
def test_fewer_rows_and_a_model_that_says_what_it_reads(tmp_path):
    settings = settings_of("binary", importance_rows=250, champion={"enabled": False})
    said = tmp_path / "model" / "Format-Serving" / "assets.extra" / "input_names.json"
    said.parent.mkdir(parents=True)
    said.write_text(json.dumps({"probability": "probability", "gone": "gone"}))
    evaluation, _ = judge(tmp_path, settings, list(rows_of("binary")))
    importance = explained(evaluation)["importance"]
    assert importance["rows"] == 250
    assert [each["column"] for each in importance["columns"]] == ["probability"]


def test_the_output_that_a_metric_judges_is_found():
    config = eval_config(settings_of("binary", champion={"metric": "f1"}))
    judged = judged_by(config, "f1")
    assert (judged.class_name, judged.sign) == ("DecisionF1", 1)
    assert (judged.predictions, judged.labels) == (
        ("evaluate", "decision"),
        ("labels", "label_index"),
    )
    judged = judged_by(eval_config(settings_of("regression")), "rmse")
    assert (judged.predictions, judged.sign) == (("evaluate", "prediction"), -1)
    with pytest.raises(ValueError, match="the metric auc is not computed"):
        judged_by(config_pb2.EvalConfig(model_specs=config.model_specs), "auc")
