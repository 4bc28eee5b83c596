"""The threshold on its way from the validation rows into the exported graph."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from beltline.models import export, learners, training
from beltline.models.config import features_from_config, from_config
from beltline.models.export import Trained, export_model
from beltline.models.features import Features
from beltline.models.job import Job
from beltline.models.learned import Learned, Worth
from beltline.models.objective import make_objective
from beltline.models.reading import Split
from beltline.models.threshold import best_f1
from beltline.models.training import choose_threshold, run_fn
from tests.models.rows import config, example

CONFIG = config(columns={"x": "number"}, numeric=["x"], categorical=[])


def network() -> keras.Model:
    """A network whose output is its input: `x` is the log-odds."""
    inputs = {"x": keras.Input((1,), name="x")}
    outputs = keras.layers.Dense(1, kernel_initializer="ones")(inputs["x"])
    return keras.Model(inputs, outputs)


def features() -> Features:
    return features_from_config(CONFIG)


def drawn(too_sure: float) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds `[n, 1]` of rare positives, and the labels drawn from them."""
    rng = np.random.default_rng(3)
    odds = rng.normal(-2.5, 1.5, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(int)
    return (too_sure * odds).astype("float32")[:, None], labels


def job(odds: np.ndarray, labels: np.ndarray) -> Job:
    """A job on rows with one column, which the network passes on."""
    columns = {"x": tf.constant(odds)}
    stream = tf.data.Dataset.from_tensor_slices((columns, labels)).batch(512)
    split = Split(labels, columns, stream)
    objective = make_objective(labels, features(), "prior")
    return Job(from_config(CONFIG), None, split, split, objective)  # type: ignore[arg-type] # all that is used of them


class Untransformed:
    """Stands in for TF Transform's graph, which only Beam can make: passes `x` on."""

    def __init__(self, _: str) -> None:
        self.nothing = tf.Variable(0.0)

    def apply_transform_model(self, raw: Any) -> Any:
        return {"x": tf.sparse.to_dense(raw["x"])}


@pytest.mark.parametrize("threshold", [0.25, 0.75])
def test_the_exported_model_decides_by_its_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: float
) -> None:
    monkeypatch.setattr(export, "SavedModelLoader", Untransformed)
    objective = make_objective(np.array([0, 1]), features(), "prior")
    graph = SimpleNamespace(transform_savedmodel_dir="")
    export_model(str(tmp_path / "m"), Trained(network(), features(), objective, threshold), graph)  # type: ignore[arg-type] # all that is used of them
    assert not (tmp_path / "m/assets.extra/learners.json").exists()
    signatures = tf.saved_model.load(str(tmp_path / "m")).signatures
    odds = [-2.0, -1.0, 0.0, 1.0, 2.0, float(np.log(threshold / (1 - threshold)) + 1e-3)]
    wanted = [1 / (1 + np.exp(-each)) >= threshold for each in odds]
    assert len(set(wanted)) == 2
    rows = tf.constant([example({"x": each}) for each in odds])
    decided = signatures["evaluate"](examples=rows)["decision"].numpy()[:, 0]
    assert decided.tolist() == [float(each) for each in wanted]
    for asked in ({"x": tf.constant(odds)}, {"examples": rows}):
        name = "serving_default" if "x" in asked else "examples"
        answered = signatures[name](**asked)
        assert answered["class"].numpy().tolist() == [b"scrap" if yes else b"ok" for yes in wanted]
        np.testing.assert_allclose(
            answered["probability"].numpy(), 1 / (1 + np.exp(-np.array(odds))), rtol=1e-5
        )


def test_what_each_learner_is_worth_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "SavedModelLoader", Untransformed)
    objective = make_objective(np.array([0, 1]), features(), "prior")
    worth = [Worth("trees", 0.6, 0.1), Worth("network", 0.4, 0.2)]
    made = Trained(network(), features(), objective, 0.5, worth)
    export_model(str(tmp_path), made, SimpleNamespace(transform_savedmodel_dir=""))  # type: ignore[arg-type] # all that is used of it
    assert json.loads((tmp_path / "assets.extra/learners.json").read_text()) == [
        {"learner": "trees", "weight": 0.6, "loss": 0.1},
        {"learner": "network", "weight": 0.4, "loss": 0.2},
    ]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_threshold_is_of_the_calibrated_probabilities(temperature: float) -> None:
    odds, labels = drawn(temperature)
    made = make_objective(labels, features(), "prior")
    cooled = dataclasses.replace(made, temperature=temperature)
    probabilities = 1 / (1 + np.exp(-odds[:, 0] / temperature))
    found = choose_threshold(cooled, odds, labels)
    assert found == pytest.approx(best_f1(probabilities, labels)[0], abs=1e-3)
    assert 0.1 < found < 0.45


def test_other_labels_have_no_threshold() -> None:
    odds, labels = drawn(1.0)
    made = make_objective(labels, features(), "prior")
    for task in ("multiclass", "regression"):
        assert choose_threshold(dataclasses.replace(made, task=task), odds, labels) is None


def test_the_trainer_exports_what_the_validation_rows_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of `run_fn` but what needs files: reading, fitting and writing."""
    exported = []
    odds, labels = drawn(3.0)
    monkeypatch.setattr(training, "prepare", lambda *_: job(odds, labels))
    monkeypatch.setattr(learners, "fit", lambda *_: Learned(network(), odds))
    monkeypatch.setattr(training, "export_model", lambda *given: exported.append(given))
    given = {"train_files": [], "eval_files": [], "transform_output": "", "serving_model_dir": "m"}
    others = {"train_steps": None, "base_model": None, "model_run_dir": "", "working_dir": None}
    run_fn(SimpleNamespace(custom_config=CONFIG, hyperparameters=None, **given, **others))
    [(directory, trained, _)] = exported
    assert directory == "m"
    assert trained.objective.temperature == pytest.approx(3, rel=0.15)
    probabilities = 1 / (1 + np.exp(-odds[:, 0] / trained.objective.temperature))
    assert trained.threshold == pytest.approx(best_f1(probabilities, labels)[0], abs=1e-3)
    assert 0.1 < trained.threshold < 0.45
