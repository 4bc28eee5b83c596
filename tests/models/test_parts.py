"""Networks side by side: no row reaches the network that leaves it out, and that one judges it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from beltline.models.config import Auto, from_config
from beltline.models.devices import choose_devices
from beltline.models.fitting import fit, mean_of
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.job import Job, prepare
from beltline.models.learned import Attempt
from beltline.models.loss import MemberLoss
from beltline.models.members import Together
from beltline.models.parts import FOLD, parts_of, side_by_side, with_folds
from beltline.models.reading import Split
from tests.models.rows import fn_args
from tests.models.test_recipe import settings

ROWS = 12


def network(members: int | None) -> keras.Model:
    """One number in, one out; of several members all of them in training."""
    inputs = {"numeric": keras.Input((1,), name="numeric")}
    if members is None:
        return keras.Model(inputs, keras.layers.Dense(1)(inputs["numeric"]))
    each = keras.layers.Reshape((members, 1))(keras.layers.Dense(members)(inputs["numeric"]))
    return keras.Model(inputs, Together("regression")(each))


def data(fold: list[int]) -> dict[str, Any]:
    numbers = np.linspace(1, 2, len(fold), dtype="float32")[:, None]
    return {"numeric": numbers, FOLD: np.array(fold, "int32")}


@pytest.mark.parametrize("members", [None, 3])
def test_a_row_is_answered_by_the_network_that_leaves_it_out(members: int | None) -> None:
    networks = [network(members) for _ in range(3)]
    together, given = side_by_side(networks), data([0, 1, 2, 1])
    said = together(given, training=False).numpy()
    own = np.stack([each({"numeric": given["numeric"]}).numpy() for each in networks])
    assert said == pytest.approx(own[given[FOLD], np.arange(4)])
    assert together(given, training=True).shape == (4, 3 * (members or 1), 1)
    assert mean_of(together)({"numeric": given["numeric"]}).numpy() == pytest.approx(own.mean(0))


@pytest.mark.parametrize("members", [None, 3])
def test_no_error_of_a_row_reaches_the_network_that_leaves_it_out(members: int | None) -> None:
    networks = [network(members) for _ in range(3)]
    together, given = side_by_side(networks), data([1] * ROWS)
    with tf.GradientTape() as tape:
        losses = MemberLoss("regression").call(tf.ones((ROWS, 1)), together(given, training=True))
        loss = tf.reduce_mean(losses)
    wanted = [each.trainable_variables[0].value for each in networks]
    moved = [0.0 if each is None else np.abs(each).sum() for each in tape.gradient(loss, wanted)]
    assert moved[1] == 0
    assert moved[0] > 0 and moved[2] > 0


def test_names_that_are_alike_are_no_obstacle() -> None:
    networks = [network(None) for _ in range(2)]
    for each in networks:
        each.name = "mine"
    assert len(parts_of(side_by_side(networks))) == 2


def split(rows: int, seed: int = 0) -> Split:
    numbers = np.random.default_rng(seed).normal(size=(rows, 2)).astype("float32")
    columns = {"numeric": tf.constant(numbers), "categories": tf.zeros((rows, 1), tf.int64)}
    return Split(np.arange(rows), columns, tf.data.Dataset.range(0))


def test_rows_of_several_splits_are_one_with_a_fold_each() -> None:
    both = with_folds([split(90), split(30, seed=1)], 4, seed=5)
    assert both is not None and both.columns is not None
    assert both.labels.tolist() == [*range(90), *range(30)]
    assert both.columns["numeric"].shape == (120, 2)
    assert np.bincount(both.columns[FOLD]).tolist() == [30] * 4


def test_rows_that_stay_in_their_files_or_are_all_alike_have_no_folds() -> None:
    streamed = Split(np.arange(9), None, tf.data.Dataset.range(0))
    assert with_folds([split(90), streamed], 4, seed=5) is None
    same = Split(np.arange(9), {"numeric": tf.ones((9, 2))}, tf.data.Dataset.range(0))
    assert with_folds([same], 4, seed=5) is None


@pytest.mark.parametrize(
    ("setting", "rows", "parts"), [("auto", 120, 4), (3, 120, 3), (1, 120, 1), ("auto", 10_008, 1)]
)
def test_train_and_validation_are_one_where_there_are_folds(
    setting: int | Auto, rows: int, parts: int
) -> None:
    config: Any = SimpleNamespace(training=SimpleNamespace(folds=setting, seed=5))
    before = Job(config, None, split(rows - 30), split(30, seed=1), None)  # type: ignore[arg-type]
    found = before.in_folds()
    assert found.parts == parts
    if parts == 1:
        assert found is before
        return
    assert found.train is found.validation and len(found.train.labels) == rows


def test_a_refit_has_as_many_folds_as_what_was_judged() -> None:
    config: Any = SimpleNamespace(training=SimpleNamespace(folds="auto", seed=5))
    recipe: Any = SimpleNamespace(train_rows=80, validation_rows=20)
    none = Split(np.zeros(0), {}, tf.data.Dataset.range(0))
    before = Job(config, None, split(10_100), none, None, recipe)  # type: ignore[arg-type]
    found = before.in_folds()
    assert (found.parts, len(found.train.labels)) == (4, 10_100)
    assert found.validation is none


def job_of(folder: Path, name: str, folds: int) -> Job:
    custom = settings("network", name=name, folds=folds)
    args = fn_args(folder, custom)
    config = from_config(custom)
    return prepare(config, args.train_files, args.eval_files, args.transform_output)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["binary", "multiclass", "regression"])
def test_all_rows_are_learned_from_and_all_are_judged(folders: dict[str, Path], name: str) -> None:
    job = job_of(folders[name], name, folds=3)
    attempt = Attempt(hyperparameters_of(job.config), choose_devices("off", "off", "off"))
    found = fit(job, attempt)
    assert found.train is not None
    assert (len(found.train), len(found.validation)) == (600, 200)
    losses = job.objective.losses(found.outputs, found.labels(job))
    # What a constant would lose: they have learned something, from rows that are not these.
    constant = np.tile(np.array(job.objective.output_bias, "float32"), (len(losses), 1))
    assert losses.mean() < job.objective.losses(constant, found.labels(job)).mean()
    columns = job.validation.columns
    assert columns is not None
    said = found.model(columns).numpy()
    parts = np.stack([each(columns).numpy() for each in parts_of(found.model)])
    assert said == pytest.approx(parts.mean(axis=0), abs=1e-5)
    # Each row's judge is one of the three, and it is not always the same one.
    apart = np.abs(parts - found.validation).max(axis=2)
    assert apart.min(axis=0) == pytest.approx(0, abs=1e-5)
    assert set(apart.argmin(axis=0)) == {0, 1, 2}


@pytest.mark.slow
def test_a_trial_of_the_tuner_trains_one_network(folders: dict[str, Path]) -> None:
    job = job_of(folders["binary"], "binary", folds=3)
    devices = choose_devices("off", "off", "off")
    found = fit(job, Attempt(hyperparameters_of(job.config), devices, in_folds=False))
    assert found.train is None and len(found.validation) == 200
