"""Trees from the Trainer's entry point to the exported model, for every kind of label."""

import copy
import logging
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from beltline.models.calibration import calibrated
from beltline.models.config import Learner, from_config
from beltline.models.devices import choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt
from beltline.models.learners import digest_of, learned
from beltline.models.training import run_fn
from beltline.models.trees.growth import Growth
from beltline.models.trees.inputs import tree_columns
from beltline.models.trees.learner import fit_trees, plan_of, rows_of
from beltline.models.trials import validation_loss
from tests.models.rows import fn_args, table
from tests.models.trained import SETTINGS, TASKS, call
from tests.models.trees.boosters import boosters_outputs

pytestmark = pytest.mark.slow
ANSWERS = ("probability", "probabilities", "prediction")


def settings(name: str, **training: Any) -> dict[str, Any]:
    custom = copy.deepcopy(SETTINGS[name])
    custom["model"]["learners"] = ["trees"]
    custom["training"].update(training)
    return custom


def attempt_of(job: Job, **values: Any) -> Attempt:
    devices = choose_devices("off", "off", "off")
    return Attempt(hyperparameters_of(job.config, values), devices)


def job_of(folder: Path, custom: dict[str, Any]) -> Job:
    args = fn_args(folder, custom)
    return prepare(from_config(custom), args.train_files, args.eval_files, args.transform_output)


@pytest.mark.parametrize("learner", ["trees", "extra_trees"])
@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_exported_model_says_what_the_boosters_say(
    folders: dict[str, Path], tmp_path: Path, name: str, folds: int, learner: Learner
) -> None:
    custom = settings(name, imbalance="balanced", folds=folds)
    custom["model"]["learners"] = [learner]
    run_fn(fn_args(folders[name], custom, serving_model_dir=str(tmp_path / "model")))
    # The rows that the fixture validates with, raw.
    asked = table(200, TASKS[name], seed=1)
    said = call(tf.saved_model.load(str(tmp_path / "model")), "evaluate", asked)
    answers = next(said[each] for each in ANSWERS if each in said)

    job = job_of(folders[name], custom)
    rows = rows_of(job, tree_columns(job.train, job.features))
    growth = Growth(plan_of(job, attempt_of(job), learner), rows)
    growth.run()
    held = growth.outputs()
    known = np.isfinite(held[:, 0])
    assert known.sum() == (800 if folds > 1 else 200)
    labels = np.concatenate([job.train.labels, job.validation.labels])[known]
    objective = calibrated(job.objective, held[known], labels)
    outputs = boosters_outputs(growth, job.objective.output_bias, rows.table[600:])
    expected = np.asarray(objective.prediction(outputs))
    # Transform may have changed the order of the rows.
    assert np.sort(answers, axis=0) == pytest.approx(np.sort(expected, axis=0), rel=1e-5, abs=1e-6)


def test_the_same_seed_gives_the_same_trees(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        for seed in (7, 7, 8):
            place = str(tmp_path / str(seed))
            run_fn(
                fn_args(folders["binary"], settings("binary", seed=seed), serving_model_dir=place)
            )
    digests = re.findall(r"weights digest (\w{16})\n", caplog.text)
    assert digests[0] == digests[1] != digests[2] and len(digests) == 3
    assert not list((folders["binary"] / "work").glob("*")), "checkpoints are left behind"


def test_extra_trees_are_other_trees(folders: dict[str, Path]) -> None:
    job = job_of(folders["binary"], settings("binary"))
    attempt = attempt_of(job)
    digests = {
        name: digest_of(fit_trees(job, attempt, name).model) for name in ("trees", "extra_trees")
    }
    assert digests["trees"] != digests["extra_trees"]
    assert list(fit_trees(job, attempt, "extra_trees").lengths) == ["extra_rounds"]


def test_a_trial_has_the_loss_that_lightgbm_says(folders: dict[str, Path]) -> None:
    job = job_of(folders["multiclass"], settings("multiclass"))
    assert job.config.tuning
    values = {"tree_leaves": 4, "tree_learning_rate": 0.2}
    rows = rows_of(job, tree_columns(job.train, job.features))
    growth = Growth(plan_of(job, attempt_of(job, **values)), rows)
    growth.run()
    lowest = min(loss for _, loss in growth.losses)
    loss = validation_loss(values, job, job.config.tuning, choose_devices("off", "off", "off"))
    assert loss == pytest.approx(lowest, rel=1e-5)


def test_the_steps_asked_for_are_rounds(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folders["binary"], settings("binary"), train_steps=3))
    assert "best of 3 rounds: round 3" in caplog.text


def test_rows_that_are_streamed_give_the_same_trees(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    custom = settings("binary")
    in_memory = learned_digest(folders["binary"], custom)
    monkeypatch.setattr("beltline.models.reading.MEMORY", 0)
    monkeypatch.setattr("beltline.models.trees.inputs._AT_ONCE", 128)
    assert learned_digest(folders["binary"], custom) == in_memory


def learned_digest(folder: Path, custom: dict[str, Any]) -> str:
    job = job_of(folder, custom)
    return digest_of(learned(job, attempt_of(job)).model)


def test_a_system_without_openmp_is_told_what_to_install(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLibrary:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "lightgbm":
                raise OSError("libgomp.so.1: cannot open shared object file")

    for name in [each for each in sys.modules if each.startswith("beltline.models.trees")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "lightgbm")
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    with pytest.raises(ValueError, match=r"it needs the system's library libgomp\.so\.1"):
        learned_digest(folders["binary"], settings("binary"))
