"""The network, from Keras alone."""

import keras
import numpy as np
import pytest

from beltline.models.config import features_from_config
from beltline.models.network import build_network, embedding_size
from tests.models.rows import config

HYPERPARAMETERS = {"members": 3, "hidden": [8, 4], "dropout": 0.5, "embedding": 4}


def inputs(model: keras.Model, rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(0, 3, (rows, tensor.shape[1]))
        if name == "categories"
        else rng.normal(size=(rows, tensor.shape[1])).astype("float32")
        for name, tensor in model.input.items()
    }


@pytest.mark.parametrize(
    ("change", "sizes"),
    [
        ({}, [5, 3]),
        ({"numbers": "zscore"}, [5, 3000]),
        ({"categorical": []}, []),
        ({"numeric": []}, [5, 5]),
        ({"task": "multiclass", "classes": ["a", "b", "c"]}, [5, 3]),
        ({"task": "regression", "classes": []}, [5, 3]),
    ],
)
def test_every_kind_of_input_and_label(change: dict[str, object], sizes: list[int]) -> None:
    features = features_from_config(config(**change))
    model = build_network(features, sizes, HYPERPARAMETERS)
    outputs = keras.ops.convert_to_numpy(model(inputs(model, 6)))
    assert outputs.shape == (6, 3 if features.task == "multiclass" else 1)
    assert np.isfinite(outputs).all()


def test_starts_near_the_output_bias() -> None:
    features = features_from_config(config())
    model = build_network(features, [5, 3], {**HYPERPARAMETERS, "output_bias": [-3.0]})
    outputs = keras.ops.convert_to_numpy(model(inputs(model, 50)))
    np.testing.assert_allclose(outputs, -3.0, atol=0.3)


def test_columns_do_not_share_embeddings() -> None:
    features = features_from_config(config(numeric=[], categorical=["mold", "shots"]))
    model = build_network(features, [4, 4], {**HYPERPARAMETERS, "dropout": 0.0})
    one, other = (
        keras.ops.convert_to_numpy(model({"categories": np.array([row])}))
        for row in ([1, 2], [2, 1])
    )
    assert one != other


def test_the_first_encoding_of_each_number_is_used() -> None:
    features = features_from_config(config(categorical=[]))
    model = build_network(features, [], HYPERPARAMETERS)
    given = {"numeric": np.zeros((2, 4), "float32"), "missing": np.zeros((2, 2), "float32")}
    given["numeric"][1, 1] = 1.0
    outputs = keras.ops.convert_to_numpy(model(given))
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize(
    ("values", "most", "expected"), [(2, 16, 2), (3, 16, 4), (70, 16, 16), (10_000, 8, 8)]
)
def test_embedding_size(values: int, most: int, expected: int) -> None:
    assert embedding_size(values, most) == expected
