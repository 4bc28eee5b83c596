"""The Tuner for real, on a small table: what it tries, finds, shows, and remembers when killed."""

import copy
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beltline.models.config import from_config
from beltline.models.devices import choose_devices
from beltline.models.fitting import fit
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import prepare as read
from beltline.models.learned import Attempt
from tests.models.rows import config, fn_args
from tests.pipeline.components.searching import at_work, best, prepare, search, trials

pytestmark = pytest.mark.slow

UNTUNED = {"learning_rate": 0.01, "dropout": 0.1, "width": 1.0, "depth": 2}


def changed(**tuning: Any) -> dict[str, Any]:
    made = config()
    made["tuning"] |= tuning
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tuner")
    prepare(made, config())
    return made


@pytest.fixture(scope="module")
def searched(folder: Path) -> dict[str, Any]:
    """One search, looked at by several tests."""
    return search(folder, config())


def test_the_settings_are_the_first_trial_and_the_best_is_no_worse(
    searched: dict[str, Any],
) -> None:
    found = trials(searched)
    assert [each["trial"] for each in found] == [0, 1, 2]
    assert found[0]["hyperparameters"] == UNTUNED
    assert [each["untuned"] for each in found] == [True, False, False]
    [chosen] = [each for each in found if each["best"]]
    assert chosen["val_loss"] == min(each["val_loss"] for each in found)
    assert best(searched)["values"] == chosen["hyperparameters"]
    assert all(each["seconds"] > 0 for each in found)


def validation_loss(folder: Path, custom: dict[str, Any], tuned: dict[str, Any] | None) -> float:
    """What the Trainer's own training comes to."""
    args = fn_args(folder, custom)
    config = from_config(custom)
    job = read(config, args.train_files, args.eval_files, args.transform_output)
    devices = choose_devices("off")
    network = fit(job, Attempt(hyperparameters_of(config, tuned), devices)).model
    network.compile(loss=job.objective.loss())
    return float(network.evaluate(job.datasets(devices)[1], verbose=0))


def test_the_trainer_comes_to_the_loss_of_the_trial(folder: Path, searched: dict[str, Any]) -> None:
    found = trials(searched)
    assert validation_loss(folder, config(), None) == pytest.approx(found[0]["val_loss"], rel=1e-4)
    tuned = best(searched)["values"]
    least = min(each["val_loss"] for each in found)
    assert validation_loss(folder, config(), tuned) == pytest.approx(least, rel=1e-4)


def test_the_trainer_takes_what_was_found(folder: Path, searched: dict[str, Any]) -> None:
    from beltline.models.training import run_fn

    serving = folder / "serving"
    run_fn(fn_args(folder, config(), hyperparameters=best(searched)))
    assert (serving / "saved_model.pb").exists()


def test_nothing_is_left_of_a_search_that_is_done(folder: Path, searched: dict[str, Any]) -> None:
    assert searched
    assert at_work(folder) == []
    assert not list(folder.glob("Tuner/.system/searches/*"))


@pytest.mark.long
def test_hyperband_compares_what_was_trained_as_long_as_any(folder: Path) -> None:
    custom = changed(search="hyperband", epochs=3)
    artifacts = search(folder, custom)
    found = trials(artifacts)
    assert (found[0]["hyperparameters"], found[0]["epochs"]) == (UNTUNED, 3)
    assert {each["epochs"] for each in found} == {1, 3}
    [chosen] = [each for each in found if each["best"]]
    longest = [each["val_loss"] for each in found if each["epochs"] == 3]
    assert chosen["val_loss"] == min(longest) <= found[0]["val_loss"]
    assert set(best(artifacts)["values"]) == set(UNTUNED)


@pytest.mark.long
def test_trials_in_two_processes(folder: Path) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core")
    found = trials(search(folder, changed(parallel=2, trials=4)))
    assert [each["state"] for each in found] == ["completed"] * 4
    assert found[0]["hyperparameters"] == UNTUNED


def test_a_trial_that_cannot_be_trained_is_left_out(folder: Path) -> None:
    space = {"learning_rate": {"min": 0.01, "max": 1e30, "scale": "log"}}
    artifacts = search(folder, changed(space=space, trials=3))
    found = trials(artifacts)
    failed = [each for each in found if each["state"] == "failed"]
    assert failed and all("val_loss" not in each and each["reason"] for each in failed)
    assert best(artifacts)["values"] == found[0]["hyperparameters"]
    page = (Path(artifacts["tuner_results"].uri) / "trials.html").read_text()
    assert "failed" in page


def test_settings_that_cannot_be_trained_with_end_the_search(folder: Path) -> None:
    from keras_tuner.errors import FatalError

    custom = changed()
    custom["training"]["learning_rate"] = 1e30
    custom["tuning"]["values"]["learning_rate"] = 1e30
    with pytest.raises(FatalError, match=r"the untuned settings: (val_)?loss is"):
        search(folder, custom)


def test_where_an_earlier_run_has_tuned_there_is_nothing_to_do(
    folder: Path, searched: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    tuned = Path(searched["best_hyperparameters"].uri)
    with caplog.at_level(logging.INFO, "beltline.tuner"):
        assert search(folder, config(), tuned) == {}
    assert "an earlier run has tuned" in caplog.text
    assert "trial 0" not in caplog.text


def start(folder: Path, custom: dict[str, Any]) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.pipeline.components.searching"]
    return subprocess.Popen(
        [*program, str(folder), json.dumps(custom)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 300
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("parallel", "how"),
    [
        (1, signal.SIGKILL),
        pytest.param(2, signal.SIGKILL, marks=pytest.mark.long),
        pytest.param(1, signal.SIGTERM, marks=pytest.mark.long),
    ],
)
def test_a_search_that_was_killed_goes_on_from_its_trials(
    folder: Path, tmp_path: Path, parallel: int, how: signal.Signals
) -> None:
    if len(os.sched_getaffinity(0)) < parallel:
        pytest.skip("one core")
    custom = copy.deepcopy(changed(trials=4, parallel=parallel))
    # Long enough to be killed in.
    custom["training"] |= {"epochs": 30, "patience": 30}
    for name in ("examples", "graph", "train", "validation"):
        (tmp_path / name).symlink_to(folder / name)

    def states() -> list[str]:
        return [each["status"] for each in at_work(tmp_path)]

    process = start(tmp_path, custom)
    wait_until(lambda: states().count("COMPLETED") >= 1 and "RUNNING" in states(), process)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode != 0
    before = {each["trial_id"]: each for each in at_work(tmp_path)}
    assert {"COMPLETED", "RUNNING"} == set(states())
    done = [number for number, each in before.items() if each["status"] == "COMPLETED"]
    assert len(before) - len(done) <= parallel

    process = start(tmp_path, custom)
    said = process.communicate(timeout=400)[1]
    assert process.returncode == 0, said
    assert f"resuming after {len(done)} trials" in said
    found = trials({"tuner_results": _Folder(tmp_path / "Tuner" / "tuner_results" / "1")})
    assert len(found) == 4 and sum(each["best"] for each in found) == 1
    for number, each in before.items():
        assert (f"trial {number}: validation loss" in said) == (number not in done)
        assert found[int(number)]["hyperparameters"] == each["hyperparameters"]["values"]
        if number in done:
            assert found[int(number)]["val_loss"] == each["score"]
    assert at_work(tmp_path) == []


class _Folder:
    def __init__(self, uri: Path):
        self.uri = uri
