"""A training once more on other rows, by what the first one has found."""

import copy
import dataclasses
import json
import logging
import math
import re
from pathlib import Path
from typing import Any

import pytest

from beltline.models.fitting import length_of
from beltline.models.recipe import FILE, Recipe, Worth, read_recipe, write_recipe
from beltline.models.training import run_fn
from tests.models.rows import fn_args
from tests.models.trained import SETTINGS

RECIPE = Recipe(
    train_rows=600,
    validation_rows=200,
    lengths={"passes": 3.5, "planned_passes": 8.0, "rounds": 40},
    worth=[Worth("trees", 0.4, 0.2), Worth("network", 0.6, 0.1)],
    temperature=1.2,
    threshold=0.3,
)


def test_a_recipe_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "assets.extra").mkdir()
    alone = dataclasses.replace(RECIPE, worth=[], threshold=None)
    for recipe in (RECIPE, alone):
        write_recipe(str(tmp_path), recipe)
        assert read_recipe(str(tmp_path)) == recipe


def test_a_model_without_a_recipe_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no assets\.extra/recipe\.json.*`model\.run_fn`"):
        read_recipe(str(tmp_path))


def test_a_learner_without_weight_is_not_trained_again() -> None:
    useless = [Worth("trees", 1.0, 0.2), Worth("network", 0.0, 0.4)]
    assert RECIPE.learners == ["trees", "network"]
    assert dataclasses.replace(RECIPE, worth=useless).learners == ["trees"]


@pytest.mark.parametrize(
    ("passes", "per_epoch", "expected"),
    [
        (3.0, 8, (3, 24, 64)),
        (3.5, 8, (4, 28, 64)),
        (3.5, 9, (4, 32, 72)),
        (0.01, 8, (1, 1, 64)),
    ],
)
def test_the_network_makes_as_many_passes_at_the_same_rates(
    passes: float, per_epoch: int, expected: tuple[int, int, int]
) -> None:
    lengths = {**RECIPE.lengths, "passes": passes}

    class Job:
        recipe = dataclasses.replace(RECIPE, lengths=lengths)

    assert length_of(Job, None, per_epoch) == expected  # type: ignore[arg-type] # all that is used


def settings(*learners: str, name: str = "binary", **training: Any) -> dict[str, Any]:
    custom = copy.deepcopy(SETTINGS[name])
    custom["model"]["learners"] = list(learners)
    custom["training"].update(training)
    return custom


def every(folder: Path) -> dict[str, Any]:
    """All rows to learn from, and none to judge by."""
    return {
        "train_files": [str(folder / split / "*") for split in ("train", "validation")],
        "eval_files": [],
        "base_model": str(folder / "judged"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folds", "name"),
    [
        (1, "regression"),
        (3, "binary"),
        pytest.param(1, "binary", marks=pytest.mark.long),
        pytest.param(1, "multiclass", marks=pytest.mark.long),
        pytest.param(3, "multiclass", marks=pytest.mark.long),
        pytest.param(3, "regression", marks=pytest.mark.long),
    ],
)
def test_a_refit_takes_over_all_that_was_found(
    folders: dict[str, Path],
    caplog: pytest.LogCaptureFixture,
    name: str,
    folds: int,
) -> None:
    learners = ("network", "trees", "extra_trees")
    folder, custom = folders[name], settings(*learners, name=name, folds=folds)
    run_fn(fn_args(folder, custom, serving_model_dir=str(folder / "judged")))
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folder, custom, serving_model_dir=str(folder / "refit"), **every(folder)))
    judged, refit = (folder / each for each in ("judged", "refit"))
    for file in (FILE, "assets.extra/threshold.json", "assets.extra/learners.json"):
        assert (judged / file).read_text() == (refit / file).read_text()
    recipe = read_recipe(str(judged))
    assert (recipe.train_rows, recipe.validation_rows) == (600, 200)
    trees = {"trees": "rounds", "extra_trees": "extra_rounds"}
    lengths = [recipe.lengths[trees[each]] for each in recipe.learners if each in trees]
    assert lengths
    for length in lengths:
        # Without folds the validation rows are new to it, too.
        rounds = min(120, round(length * (1 if folds > 1 else 800 / 600)))
        assert f"best of {rounds} rounds: round {rounds}, " in caplog.text
    left_out = "a fold" if folds > 1 else "no row"
    assert "800 rows of " in caplog.text
    assert f"forests: {folds}, and each leaves out {left_out}" in caplog.text
    assert "800 rows to learn from, 0 to validate, 25 per step" in caplog.text
    assert caplog.text.count("networks: 3, and each leaves out a fold") == (folds > 1)
    passes = math.ceil(recipe.lengths["passes"])
    assert f"{passes} epochs, as long as the judged training until its best" in caplog.text


@pytest.mark.slow
def test_the_same_rows_give_the_weights_that_were_best(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, custom = folders["binary"], settings("network", patience=9)
    judged, again = str(tmp_path / "judged"), str(tmp_path / "again")
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        # Within the second epoch, so that a part of a pass is taken over, too.
        run_fn(fn_args(folder, custom, serving_model_dir=judged, train_steps=40))
        others = {"eval_files": [], "base_model": judged}
        run_fn(fn_args(folder, custom, serving_model_dir=again, **others))
    first, second = re.findall(r"weights digest (\w{16})", caplog.text)
    assert first == second
    recipe = json.loads((tmp_path / "judged" / FILE).read_text())
    assert recipe["lengths"] == {"passes": 40 / 24, "planned_passes": 40 / 24}


@pytest.mark.slow
def test_a_refit_whose_time_is_up_exports_what_there_is(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, custom = folders["binary"], settings("network", "trees")
    run_fn(fn_args(folder, custom, serving_model_dir=str(folder / "judged")))
    custom["training"]["minutes"] = 1e-9
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folder, custom, serving_model_dir=str(tmp_path), **every(folder)))
    assert caplog.text.count("minutes (`training.minutes`) are over") == 2
    assert (tmp_path / "saved_model.pb").exists()
