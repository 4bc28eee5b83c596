"""Trees that two real processes grow together, on two workers of Dask."""

import copy
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.beam_on_dask.dask_processes import Cluster
from tests.models.rows import fn_args
from tests.models.trained import SETTINGS
from tests.models.trees.shared.threads import in_threads

pytestmark = pytest.mark.slow
Start = Callable[..., Any]


def settings(name: str, workers: int, **training: Any) -> dict[str, Any]:
    custom = copy.deepcopy(SETTINGS[name])
    custom["model"]["learners"] = ["trees"]
    custom["training"].update(training, workers=workers)
    return custom


def run(folder: Path, custom: dict[str, Any], log: pytest.LogCaptureFixture, **changes: Any) -> str:
    """Trains; returns the log."""
    from beltline.models.training import run_fn

    log.clear()
    with log.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folder, custom, **changes))
    return log.text


def found(text: str) -> tuple[str, float]:
    """The digest of a training, and the validation loss of its best round."""
    [digest] = re.findall(r"weights digest (\w{16})", text)
    [loss] = re.findall(r"best of \d+ rounds: .* validation ([0-9.]+);", text)
    return digest, float(loss)


def test_two_processes_learn_what_one_does(
    folders: dict[str, Path],
    processes: Start,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder, place = folders["binary"], {"serving_model_dir": str(tmp_path / "model")}
    _, alone = found(run(folder, settings("binary", 1), caplog, **place))
    custom = settings("binary", 2)
    texts = [run(folder, custom, caplog, processes=processes, **place) for _ in range(2)]
    (digest, loss), again = map(found, texts)
    assert (digest, loss) == again
    assert loss == pytest.approx(alone, rel=0.03)
    assert "2 processes train together, on 127.0.0.1" in texts[0]
    assert "800 rows of 4 columns; forests: 1, and each leaves out the validation" in texts[0]
    assert not list((folder / "work").glob("*")), "checkpoints are left behind"


@pytest.mark.parametrize("name", ["multiclass", "regression", "categories"])
def test_any_label_is_learned_and_refitted(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    folder, custom = folders[name], settings(name, 2, imbalance="balanced")
    judged = str(tmp_path / "judged")
    alone = settings(name, 1, imbalance="balanced")
    _, expected = found(run(folder, alone, caplog, serving_model_dir=judged))
    shared = {"processes": in_threads, "serving_model_dir": judged}
    text = run(folder, custom, caplog, **shared)
    assert found(text)[1] == pytest.approx(expected, rel=0.03)
    [best] = re.findall(r"best of \d+ rounds: round (\d+)", text)
    again = {"base_model": judged, "serving_model_dir": str(tmp_path / "refit"), "eval_files": []}
    both = [str(folder / split / "*") for split in ("train", "validation")]
    text = run(folder, custom, caplog, processes=in_threads, train_files=both, **again)
    # As many rounds, in proportion to the rows.
    assert f"best of {round(int(best) * 800 / 600)} rounds" in text
    assert (tmp_path / "refit" / "saved_model.pb").exists()


def test_a_worker_that_is_killed_ends_the_training_and_a_rerun_goes_on(
    folders: dict[str, Path],
    cluster: Cluster,
    processes: Start,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from beltline.beam_on_dask.runner import ClusterLost

    long = settings("binary", 2, checkpoint_minutes=0)
    long["model"].update(tree_rounds=50_000, tree_patience=50_000, tree_learning_rate=0.001)
    places = {"working_dir": str(tmp_path / "work"), "serving_model_dir": str(tmp_path / "model")}
    killed: list[float] = []

    def kill() -> None:
        while not list(tmp_path.glob("work/*/state.npz")):
            time.sleep(0.05)
        time.sleep(0.5)
        cluster.workers[1].kill()
        killed.append(time.monotonic())

    killer = Thread(target=kill)
    killer.start()
    with pytest.raises(ClusterLost, match=r"the Dask worker tcp://.* is lost .* and run again"):
        run(folders["binary"], long, caplog, processes=processes, **places)
    took = time.monotonic() - killed[0]
    print(f"ended {took:.1f} s after the kill")
    assert took < 40
    cluster.workers.append(cluster.add_worker())
    cluster.wait(2)
    long["training"]["minutes"] = 0.001
    text = run(folders["binary"], long, caplog, processes=processes, **places)
    assert re.search(r"resuming an interrupted training after round [1-9]\d*00\n", text)
    assert (tmp_path / "model" / "saved_model.pb").exists()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (0, "the train split has no row with a known 'scrap'"),
        (1, "training.workers: 2, and a worker has none of the 1 rows of the train split"),
    ],
)
def test_too_few_rows_are_refused(
    folders: dict[str, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    rows: int,
    says: str,
) -> None:
    import tensorflow as tf

    folder = folders["regression"]
    [file] = (folder / "train").glob("*")
    with tf.io.TFRecordWriter(str(tmp_path / "few"), "GZIP") as writer:
        for record in tf.data.TFRecordDataset(str(file), "GZIP").take(rows):
            writer.write(record.numpy())
    few = {"train_files": [str(tmp_path / "few")], "working_dir": str(tmp_path / "work")}
    with pytest.raises(ValueError, match=says):
        run(folder, settings("regression", 2), caplog, processes=in_threads, **few)
