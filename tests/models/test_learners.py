"""Both learners by the Trainer's entry point: each as if it were alone, and one model of both."""

import copy
import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from beltline.models.checkpoints import Checkpoints, TrainingState
from beltline.models.config import from_config
from beltline.models.curves import Curves
from beltline.models.devices import choose_devices
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt, Learned
from beltline.models.learners import learned, part_of
from beltline.models.reading import Split
from beltline.models.recipe import Recipe, Worth
from beltline.models.training import run_fn
from tests.models.rows import fn_args
from tests.models.trained import EVAL, SETTINGS, TASKS, call

ANSWERS = ("probability", "probabilities", "prediction")


def settings(name: str, *learners: str) -> dict[str, Any]:
    custom = copy.deepcopy(SETTINGS[name])
    custom["model"]["learners"] = list(learners)
    return custom


def alone(folder: Path, name: str, *learners: str) -> tuple[Job, Learned]:
    custom = settings(name, *learners)
    args = fn_args(folder, custom)
    config = from_config(custom)
    job = prepare(config, args.train_files, args.eval_files, args.transform_output)
    devices = choose_devices("off", "off", "off")
    return job, learned(job, Attempt(hyperparameters_of(config), devices))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("binary", marks=pytest.mark.long), "multiclass", "regression"]
)
def test_the_model_is_the_weighted_mean_of_what_each_learns_alone(
    folders: dict[str, Path], tmp_path: Path, name: str
) -> None:
    custom, folder = settings(name, "network", "trees"), folders[name]
    run_fn(fn_args(folder, custom, serving_model_dir=str(tmp_path)))
    worth = json.loads((tmp_path / "assets.extra/learners.json").read_text())
    weights = {each["learner"]: each["weight"] for each in worth}
    assert sum(weights.values()) == pytest.approx(1)
    expected, losses = 0.0, {}
    for learner, weight in weights.items():
        job, found = alone(folder, name, learner)
        expected = expected + weight * found.validation
        losses[learner] = job.objective.losses(found.validation, job.validation.labels).mean()
    assert {each["learner"]: each["loss"] for each in worth} == pytest.approx(losses, rel=1e-4)
    _, both = alone(folder, name, "network", "trees")
    assert both.validation == pytest.approx(expected, rel=1e-4, abs=1e-5)
    said = call(tf.saved_model.load(str(tmp_path)), "evaluate", EVAL[TASKS[name]])
    answers = next(said[each] for each in ANSWERS if each in said)
    assert np.isfinite(answers).all() and answers.std() > 0


@pytest.mark.slow
def test_two_learners_share_the_time_and_keep_their_curves_apart(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    custom = from_config(settings("binary", "network", "trees"))
    args = fn_args(folders["binary"], {})
    job = prepare(custom, args.train_files, args.eval_files, args.transform_output)
    hyperparameters = hyperparameters_of(custom)
    curves = Curves(str(tmp_path), hyperparameters)
    devices = choose_devices("off", "off", "off")
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        learned(job, Attempt(hyperparameters, devices, minutes=2e-4, curves=curves))
    assert caplog.text.count("0.0001 minutes (`training.minutes`) are over") == 2
    for learner in ("network", "trees"):
        assert list((tmp_path / learner / "validation").glob("events.*"))


@pytest.mark.slow
def test_without_trees_there_is_no_word_of_weights(folders: dict[str, Path]) -> None:
    _, found = alone(folders["binary"], "binary", "network")
    assert found.worth == () and found.train is None


@pytest.mark.parametrize(
    ("rows", "named", "learning"),
    [
        (5_000, ["network", "trees", "extra_trees"], ["network", "trees", "extra_trees"]),
        (5_001, ["network", "trees", "extra_trees"], ["network", "trees"]),
        (5_001, ["extra_trees", "trees"], ["trees"]),
        # Named alone, they are wanted.
        (5_001, ["extra_trees"], ["extra_trees"]),
    ],
)
def test_extra_trees_learn_from_few_rows_beside_others(
    rows: int, named: list[str], learning: list[str]
) -> None:
    config = from_config(settings("binary", *named))
    split = Split(np.zeros(rows), None, None)  # type: ignore[arg-type] # all that is used of them
    job = Job(config, None, split, split, None)  # type: ignore[arg-type] # all that is used of them
    assert job.learners == learning
    # A refit of more rows learns as the judged training did.
    recipe = Recipe(10, 10, {}, [Worth("extra_trees", 0.5, 1), Worth("trees", 0.5, 1)], 1.0, 0.5)
    assert dataclasses.replace(job, recipe=recipe).learners == ["extra_trees", "trees"]


def test_learners_have_their_share_of_the_time_and_places_of_their_own(tmp_path: Path) -> None:
    kept, curves = Checkpoints(str(tmp_path), "key"), Curves(str(tmp_path), {})
    whole = Attempt({}, choose_devices("off"), 5, 30.0, curves, kept)
    assert part_of(whole, "trees", 1) is whole
    parts = [part_of(whole, name, 2) for name in ("trees", "network")]
    assert [(part.minutes, part.steps) for part in parts] == [(15, 5), (15, 5)]
    for part in parts:
        assert part.checkpoints
        part.checkpoints.save(TrainingState({}, {}))
    assert len(list(tmp_path.rglob("state.npz"))) == 2
    kept.remove()
    assert not list(tmp_path.rglob("state.npz"))
    assert part_of(Attempt({}, choose_devices("off")), "trees", 2).minutes is None
