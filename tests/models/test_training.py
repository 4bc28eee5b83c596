"""Transform, Trainer and Tuner for real, on small tables: what a node of the pipeline does."""

import copy
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

from beltline.models.config import from_config
from beltline.models.devices import choose_devices
from beltline.models.fitting import fit
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt
from beltline.models.limits import StepLimit
from beltline.models.reading import Split, read_split
from beltline.models.training import run_fn
from tests.models.rows import config, fn_args, table, transform
from tests.models.trained import EVAL, SETTINGS, call

pytestmark = pytest.mark.slow


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
    fit(job, Attempt(hyperparameters_of(job.config), choose_devices("off", "off", "off")))
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
from beltline.models.fitting import fit
from beltline.models.learned import Attempt
from beltline.models.training import choose_threshold
folder, custom = sys.argv[1], from_config(config())
job = prepare(custom, [folder + "/train/*"], [folder + "/validation/*"], folder + "/graph")
devices = Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), "float32")
assert devices.replicas == 2
found = fit(job, Attempt(hyperparameters_of(custom), devices))
print("threshold", choose_threshold(job.objective, found.outputs, found.labels(job)))
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
