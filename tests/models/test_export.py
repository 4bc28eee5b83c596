"""What an exported model answers, by each of its signatures and to each of its callers."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from beltline.base import values
from beltline.models.export import MISSING
from tests.models.rows import write
from tests.models.trained import EVAL, SETTINGS, TASKS, call, examples

pytestmark = pytest.mark.slow


def columns(rows: list[dict[str, Any]]) -> dict[str, tf.Tensor]:
    nan = float("nan")
    heat = [nan if row["heat (°C)"] is None else row["heat (°C)"] for row in rows]
    return {
        "heat_C_": tf.constant(heat, tf.float32),
        "shots": tf.constant([row["shots"] for row in rows], tf.float64),
        "mold": tf.constant([row["mold"] for row in rows]),
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_named_columns_and_examples_get_the_same_answer(trained: dict[str, Any], name: str) -> None:
    rows = EVAL[TASKS[name]]
    signature = trained[name].signatures["serving_default"]
    wanted = set(signature.structured_input_signature[1])
    answers = signature(**{key: value for key, value in columns(rows).items() if key in wanted})
    for key, value in call(trained[name], "examples", rows).items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(answers[key], value, rtol=1e-4)
        else:
            assert (answers[key].numpy() == value).all()


def test_binary_answers(trained: dict[str, Any], folders: dict[str, Path]) -> None:
    from sklearn.metrics import roc_auc_score

    rows = EVAL["binary"]
    answers = call(trained["binary"], "examples", rows)
    numbers = call(trained["binary"], "evaluate", rows)
    labels = call(trained["binary"], "labels", rows)["label_index"]
    assert numbers["probability"].shape == numbers["decision"].shape == labels.shape == (200, 1)
    assert answers["probability"].shape == answers["class"].shape == (200,)
    assert ((answers["class"] == b"scrap") == (numbers["decision"][:, 0] == 1)).all()
    threshold = json.loads((folders["binary"] / "serving/assets.extra/threshold.json").read_text())
    said = answers["probability"] >= np.float32(threshold)
    assert (said == (answers["class"] == b"scrap")).all()
    assert roc_auc_score(labels[:, 0], answers["probability"]) > 0.85


def test_multiclass_answers(trained: dict[str, Any]) -> None:
    rows = EVAL["multiclass"]
    answers = call(trained["multiclass"], "examples", rows)
    assert answers["probabilities"].shape == answers["classes"].shape == (200, 3)
    np.testing.assert_allclose(answers["probabilities"].sum(1), 1, rtol=1e-5)
    assert (answers["probability"] == answers["probabilities"].max(1)).all()
    numbers = call(trained["multiclass"], "evaluate", rows)
    assert (numbers["decision"].argmax(1) == numbers["probabilities"].argmax(1)).all()
    assert (numbers["decision"].sum(1) == 1).all()
    labels = call(trained["multiclass"], "labels", rows)["label_index"][:, 0]
    assert (answers["probabilities"].argmax(1) == labels).mean() > 0.6


@pytest.mark.parametrize("name", SETTINGS)
def test_the_calls_that_tensorflow_serving_names(
    trained: dict[str, Any], folders: dict[str, Path], name: str
) -> None:
    """Its classify and regress look at the method's name, and want these inputs and outputs."""
    task = TASKS[name]
    signature = "regress" if task == "regression" else "classify"
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folders[name] / "serving" / "saved_model.pb").read_bytes())
    definition = saved.meta_graphs[0].signature_def
    assert definition[signature].method_name == f"tensorflow/serving/{signature}"
    assert definition["serving_default"].method_name == "tensorflow/serving/predict"
    rows = EVAL[task]
    found = trained[name].signatures[signature](inputs=examples(rows))
    answers = call(trained[name], "examples", rows)
    if task == "regression":
        assert set(found) == {"outputs"}
        np.testing.assert_allclose(found["outputs"], answers["prediction"], rtol=1e-6)
        return
    classes, scores = found["classes"].numpy(), found["scores"].numpy()
    if task == "multiclass":
        np.testing.assert_allclose(scores, answers["probabilities"], rtol=1e-6)
        assert (classes == answers["classes"]).all()
    else:
        assert (classes == [b"ok", b"scrap"]).all()
        np.testing.assert_allclose(scores[:, 1], answers["probability"], rtol=1e-6)
        np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-6)


def test_regression_answers_in_the_labels_unit(trained: dict[str, Any]) -> None:
    rows = EVAL["regression"]
    predictions = call(trained["regression"], "evaluate", rows)["prediction"]
    labels = call(trained["regression"], "labels", rows)["label_index"]
    np.testing.assert_allclose(labels[:, 0], [row["scrap"] for row in rows], rtol=1e-6)
    assert np.corrcoef(predictions[:, 0], labels[:, 0])[0, 1] > 0.6
    assert abs(predictions.mean() - labels.mean()) < 20


@pytest.mark.parametrize("name", SETTINGS)
def test_missing_new_and_extreme_values_get_an_answer(trained: dict[str, Any], name: str) -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"heat (°C)": float("nan"), "mold": "new"},
        {"heat (°C)": float("inf"), "shots": -(2**62), "mold": "\n"},
    ]
    for value in call(trained[name], "evaluate", rows).values():
        assert value.shape[0] == 3
        assert np.isfinite(value).all()


def test_what_is_missing_is_what_tables_and_server_read_so() -> None:
    assert MISSING == values.MISSING


@pytest.mark.parametrize("name", ["binary", "categories"])
def test_a_text_that_a_table_reads_as_missing_is_missing(
    trained: dict[str, Any], name: str
) -> None:
    # Blank ones besides.
    texts = [*MISSING, " NA\t", "\n"]
    rows = [{"heat (°C)": 201.0, "shots": 3, "mold": text} for text in [*texts, "None", "a"]]
    without = call(trained[name], "examples", [{"heat (°C)": 201.0, "shots": 3}])["probability"][0]
    signature = trained[name].signatures["serving_default"]
    wanted = set(signature.structured_input_signature[1])
    given = {key: value for key, value in columns(rows).items() if key in wanted}
    for answers in (call(trained[name], "examples", rows), signature(**given)):
        found = np.asarray(answers["probability"])
        np.testing.assert_allclose(found[: len(texts)], without, rtol=1e-4)
        assert (np.abs(found[len(texts) :] - without) > 1e-4).all()


@pytest.mark.parametrize("shots", [48.9, 1e-200, 1e300, -1e300, float("inf"), 2.0**53])
def test_a_number_that_is_no_whole_one_is_an_error(trained: dict[str, Any], shots: float) -> None:
    rows = [{"heat (°C)": 201.0, "shots": each, "mold": "a"} for each in (3.0, shots)]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not all of the integers are whole"):
        trained["binary"].signatures["serving_default"](**columns(rows))


@pytest.mark.parametrize("signature", ["examples", "evaluate"])
def test_two_values_of_a_column_are_an_error(trained: dict[str, Any], signature: str) -> None:
    twice = tf.train.Example()
    twice.features.feature["heat (°C)"].float_list.value.extend([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than one value of a column"):
        trained["binary"].signatures[signature](examples=tf.constant([twice.SerializeToString()]))


def test_labels_that_are_missing_or_unknown(trained: dict[str, Any]) -> None:
    rows = [{}, {"scrap": "maybe"}, {"scrap": "scrap"}, {"scrap": "ok"}]
    assert call(trained["binary"], "labels", rows)["label_index"][:, 0].tolist() == [-1, -1, 1, 0]
    assert np.isnan(call(trained["regression"], "labels", [{}])["label_index"]).all()


def test_plain_tensorflow_loads_it_in_a_process_without_our_code(
    trained: dict[str, Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    code = "import sys, tensorflow as tf; m = tf.saved_model.load(sys.argv[1]); " + (
        "print('keras' in sys.modules and 'models' in sys.modules, sorted(m.signatures))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folders["binary"] / "serving")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "False ['classify', 'evaluate', 'examples', 'labels', 'serving_default']" in done.stdout


def test_tfma_computes_the_same_metrics(
    trained: dict[str, Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    importlib.import_module("tfx")  # first: it repairs an import of TFMA's
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from sklearn.metrics import f1_score, roc_auc_score
    from tensorflow_model_analysis.proto import config_pb2

    rows = EVAL["binary"]
    write(tmp_path / "rows.gz", rows)
    settings = text_format.Parse(
        """
        model_specs {
          signature_name: 'evaluate'
          preprocessing_function_names: 'labels'
          label_key: 'label_index'
        }
        slicing_specs {}
        metrics_specs { output_names: 'probability' metrics { class_name: 'AUC' } }
        metrics_specs { output_names: 'decision' metrics { class_name: 'F1Score' } }
        """,
        config_pb2.EvalConfig(),
    )
    model = tfma.default_eval_shared_model(
        str(folders["binary"] / "serving"), eval_config=settings, tags=["serve"]
    )
    result = tfma.run_model_analysis(
        model,
        eval_config=settings,
        data_location=str(tmp_path / "rows.gz"),
        file_format="tfrecords",
        output_path=str(tmp_path / "figures"),
    )
    figures = dict(result.slicing_metrics)[()]
    numbers = call(trained["binary"], "evaluate", rows)
    labels = call(trained["binary"], "labels", rows)["label_index"][:, 0]
    assert figures["probability"][""]["auc"]["doubleValue"] == pytest.approx(
        roc_auc_score(labels, numbers["probability"][:, 0]), abs=1e-3
    )
    assert figures["decision"][""]["f1_score"]["doubleValue"] == pytest.approx(
        f1_score(labels, numbers["decision"][:, 0])
    )
