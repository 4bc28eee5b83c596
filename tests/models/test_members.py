"""Several networks in one."""

import keras
import numpy as np
import pytest

from beltline.models.config import features_from_config
from beltline.models.features import Task
from beltline.models.members import MemberDense, together
from beltline.models.network import build_network
from tests.models.rows import config

HYPERPARAMETERS = {"members": 3, "hidden": [8, 4], "dropout": 0.0, "embedding": 4}


def network(**changes: object) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = build_network(features_from_config(config(**changes)), [5, 3], HYPERPARAMETERS)
    model.set_weights(
        [w + np.random.default_rng(0).normal(0, 0.1, w.shape) for w in model.get_weights()]
    )
    return model


def inputs(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "numeric": rng.normal(size=(rows, 4)).astype("float32"),
        "missing": np.zeros((rows, 2), "float32"),
        "categories": rng.integers(0, 3, (rows, 2)),
    }


def test_the_first_layer_starts_the_members_apart_and_shares_the_rest() -> None:
    layer = MemberDense(5, 4)
    x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    answers = keras.ops.convert_to_numpy(layer(x))
    assert answers.shape == (2, 4, 5)
    assert set(np.unique(keras.ops.convert_to_numpy(layer.scale_in))) == {-1.0, 1.0}
    assert len(np.unique(answers[0, :, 0])) > 1
    assert layer.kernel.shape == (3, 5)
    second = MemberDense(2, 4)
    same = keras.ops.convert_to_numpy(second(np.ones((2, 4, 5), "float32")))
    assert (same[:, :1] == same).all()


def test_a_member_is_a_dense_layer_of_its_own() -> None:
    layer = MemberDense(5, 2)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    answers = keras.ops.convert_to_numpy(layer(x))
    kernel, signs = (keras.ops.convert_to_numpy(w) for w in (layer.kernel, layer.scale_in))
    for member in range(2):
        own = signs[member][:, None] * kernel
        np.testing.assert_allclose(answers[:, member], x @ own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_average_is_of_probabilities_or_of_numbers(task: Task) -> None:
    units = 3 if task == "multiclass" else 1
    outputs = np.random.default_rng(0).normal(0, 3, (6, 4, units)).astype("float32")
    found = keras.ops.convert_to_numpy(together(outputs, task))
    assert found.shape == (6, units)
    if task == "regression":
        np.testing.assert_allclose(found, outputs.mean(axis=1), rtol=1e-5)
    elif task == "binary":
        shares = 1 / (1 + np.exp(-outputs))
        np.testing.assert_allclose(1 / (1 + np.exp(-found)), shares.mean(axis=1), rtol=1e-4)
    else:
        shares = np.exp(outputs) / np.exp(outputs).sum(axis=2, keepdims=True)
        np.testing.assert_allclose(np.exp(found), shares.mean(axis=1), rtol=1e-4)


def test_the_average_of_sure_members_stays_finite() -> None:
    outputs = np.full((1, 2, 1), 200.0, "float32")
    assert np.isfinite(keras.ops.convert_to_numpy(together(outputs, "binary"))).all()
    assert np.isfinite(keras.ops.convert_to_numpy(together(-outputs, "binary"))).all()


@pytest.mark.parametrize(
    ("changes", "task"),
    [
        ({}, "binary"),
        ({"task": "multiclass", "classes": ["a", "b", "c"]}, "multiclass"),
        ({"task": "regression", "classes": []}, "regression"),
    ],
)
def test_members_answer_one_by_one_in_training_only(changes: dict[str, object], task: Task) -> None:
    model = network(**changes)
    members = model(inputs(6), training=True)
    units = 3 if task == "multiclass" else 1
    assert members.shape == (6, 3, units)
    np.testing.assert_allclose(model(inputs(6)), together(members, task), rtol=1e-5)
