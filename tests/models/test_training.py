"""Transform, Trainer and Tuner for real, on small tables: what a node of the pipeline does."""

import copy
import importlib
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from beltline.models.config import from_config
from beltline.models.devices import choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.limits import StepLimit
from beltline.models.reading import Split, read_split
from beltline.models.training import fit, run_fn
from tests.models.rows import config, example, fn_args, table, transform, write

pytestmark = pytest.mark.slow

SETTINGS = {
    "binary": config(),
    "multiclass": config(task="multiclass", classes=["high", "mid", "low"], numbers="zscore"),
    "regression": config(task="regression", classes=[], categorical=[], numbers="zscore"),
    "categories": config(numeric=[]),
}
TASKS = {name: name if name != "categories" else "binary" for name in SETTINGS}
EVAL = {task: table(200, task, seed=5) for task in set(TASKS.values())}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, custom in SETTINGS.items():
        made[name] = tmp_path_factory.mktemp(name)
        splits = {"train": table(600, TASKS[name]), "validation": table(200, TASKS[name], seed=1)}
        transform(made[name], custom, splits)
    return made


@pytest.fixture(scope="module")
def trained(folders: dict[str, Path]) -> dict[str, Any]:
    for name, folder in folders.items():
        run_fn(fn_args(folder, SETTINGS[name]))
    return {name: tf.saved_model.load(str(folders[name] / "serving")) for name in folders}


def examples(rows: list[dict[str, Any]]) -> tf.Tensor:
    return tf.constant([example(row) for row in rows])


def columns(rows: list[dict[str, Any]]) -> dict[str, tf.Tensor]:
    nan = float("nan")
    heat = [nan if row["heat (°C)"] is None else row["heat (°C)"] for row in rows]
    return {
        "heat_C_": tf.constant(heat, tf.float32),
        "shots": tf.constant([row["shots"] for row in rows], tf.float64),
        "mold": tf.constant([row["mold"] for row in rows]),
    }


def call(model: Any, signature: str, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    outputs = model.signatures[signature](examples=examples(rows))
    return {name: value.numpy() for name, value in outputs.items()}


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


def test_binary_answers(trained: dict[str, Any]) -> None:
    from sklearn.metrics import roc_auc_score

    rows = EVAL["binary"]
    answers = call(trained["binary"], "examples", rows)
    numbers = call(trained["binary"], "evaluate", rows)
    labels = call(trained["binary"], "labels", rows)["label_index"]
    assert numbers["probability"].shape == numbers["decision"].shape == labels.shape == (200, 1)
    assert answers["probability"].shape == answers["class"].shape == (200,)
    assert ((answers["class"] == b"scrap") == (numbers["decision"][:, 0] == 1)).all()
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


def test_the_same_seed_gives_the_same_model(
    trained: dict[str, Any],
    folders: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    custom = copy.deepcopy(SETTINGS["binary"])
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        for seed, name in ((7, "same"), (7, "again"), (8, "other")):
            custom["training"]["seed"] = seed
            run_fn(fn_args(folders["binary"], custom, serving_model_dir=str(tmp_path / name)))
    digests = re.findall(r"weights digest (\w{16})\n", caplog.text)
    assert digests[0] == digests[1] != digests[2] and len(digests) == 3
    again = tf.saved_model.load(str(tmp_path / "same"))
    first = call(trained["binary"], "evaluate", EVAL["binary"])
    second = call(again, "evaluate", EVAL["binary"])
    assert (first["probability"] == second["probability"]).all()
    assert not list((folders["binary"] / "work").glob("*")), "checkpoints are left behind"


def test_steps_are_taken_together_without_another_result(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    custom = copy.deepcopy(SETTINGS["multiclass"])
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        for together in ("auto", 1):
            custom["training"]["steps_per_execution"] = together
            run_fn(fn_args(folders["multiclass"], custom, serving_model_dir=str(tmp_path / "m")))
    assert re.findall(r"epochs of 24 steps, (\d+) in one call", caplog.text) == ["12", "1"]
    first, second = re.findall(r"weights digest (\w{16})\n", caplog.text)
    assert first == second


def test_a_split_too_large_for_memory_is_streamed(
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("beltline.models.reading.MEMORY", 0)
    custom = copy.deepcopy(SETTINGS["binary"])
    custom["training"]["imbalance"] = "balanced"
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folders["binary"], custom, serving_model_dir=str(tmp_path / "m")))
    assert "600 rows to learn from, 200 to validate, 25 per step" in caplog.text
    assert caplog.text.count("training on ") == 1


def test_files_are_read_side_by_side_in_the_same_order_each_time(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beltline.models.reading.PARSED_AT_ONCE", 16)
    job = prepare_of(folders["binary"])
    files = [str(file) for file in (folders["binary"] / "train").iterdir()]
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    for number in range(3):
        with tf.io.TFRecordWriter(str(tmp_path / f"rows-{number}.gz"), "GZIP") as writer:
            for record in records[number::3]:
                writer.write(record)
    shards = [str(tmp_path / "*")]
    once, again = (read_split(shards, job.transform, job.features) for _ in range(2))
    assert sorted(rows_of(once)) == sorted(rows_of(job.train))
    assert rows_of(once) == rows_of(again)


def prepare_of(folder: Path) -> Job:
    args = fn_args(folder, SETTINGS["binary"])
    return prepare(
        from_config(SETTINGS["binary"]), args.train_files, args.eval_files, args.transform_output
    )


def rows_of(split: Split) -> list[tuple[Any, ...]]:
    assert split.columns is not None
    parts = [column.numpy() for _, column in sorted(split.columns.items())]
    return [tuple(row) for row in np.column_stack([split.labels, *parts]).tolist()]


def test_a_step_is_traced_once(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []
    step = keras.Model.train_step
    monkeypatch.setattr(
        keras.Model, "train_step", lambda self, data: traced.append(1) or step(self, data)
    )
    job = prepare_of(folders["binary"])
    fit(job, hyperparameters_of(job.config), choose_devices("off", "off", "off"))
    assert len(traced) == 1


def test_a_loss_that_is_no_number_is_an_error(folders: dict[str, Path]) -> None:
    custom = copy.deepcopy(SETTINGS["regression"])
    custom["training"]["learning_rate"] = 1e30
    with pytest.raises(ValueError, match=r"lower `training\.learning_rate`"):
        run_fn(fn_args(folders["regression"], custom))


def test_empty_and_one_class_splits_are_errors(folders: dict[str, Path], tmp_path: Path) -> None:
    folder, custom = folders["binary"], SETTINGS["binary"]
    with pytest.raises(ValueError, match="the validation split has no row"):
        run_fn(fn_args(folder, custom, eval_files=[str(tmp_path / "none*")]))
    ok = [row for row in table(50) if row["scrap"] == "ok"]
    transform(tmp_path, custom, {"train": ok, "validation": ok})
    with pytest.raises(ValueError, match="'scrap' is 'ok' in every row of the train split"):
        run_fn(fn_args(tmp_path, custom))


def test_an_empty_column_and_a_constant_one(tmp_path: Path) -> None:
    for numbers in ("quantile", "zscore"):
        custom = config(numbers=numbers)
        rows = [{**row, "heat (°C)": None, "shots": 3} for row in table(100)]
        transform(tmp_path / numbers, custom, {"train": rows, "validation": rows})
        run_fn(fn_args(tmp_path / numbers, custom))
        model = tf.saved_model.load(str(tmp_path / numbers / "serving"))
        assert np.isfinite(call(model, "evaluate", EVAL["binary"])["probability"]).all()


MIRRORED = """
import sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from tests.models.rows import config
from beltline.models.config import from_config
from beltline.models.devices import Devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import prepare
from beltline.models.calibration import validation_outputs
from beltline.models.training import choose_threshold, fit
folder, custom = sys.argv[1], from_config(config())
job = prepare(custom, [folder + "/train/*"], [folder + "/validation/*"], folder + "/graph")
devices = Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "float32")
assert devices.replicas == 2
network = fit(job, hyperparameters_of(custom), devices)
print("threshold", choose_threshold(job, validation_outputs(job, network)))
"""


@pytest.mark.parametrize(("steps", "taken"), [(1, 1), (13, 13), (10_000, None), (0, None)])
def test_training_stops_after_the_steps_asked_for(
    folders: dict[str, Path], steps: int, taken: int | None
) -> None:
    custom = from_config(SETTINGS["binary"])
    folder = folders["binary"]
    job = prepare(custom, [f"{folder}/train/*"], [f"{folder}/validation/*"], f"{folder}/graph")
    per_epoch = job.train.steps(job.rows_per_step(choose_devices("off")))
    counted: list[int] = []

    class Counting(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            counted.append(batch)

    limit = [StepLimit(steps)] if steps else []
    network = job.compiled(hyperparameters_of(custom))
    train, validation = job.datasets(choose_devices("off"))
    network.fit(
        train, validation_data=validation, epochs=2, callbacks=[Counting(), *limit], verbose=0
    )
    assert len(counted) == (taken or 2 * per_epoch)


def test_two_devices_train_in_step(folders: dict[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, str(folders["binary"])],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "threshold 0." in done.stdout


def test_tfma_computes_the_same_figures(
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
