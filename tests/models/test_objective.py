"""What the training labels say."""

import numpy as np
import pytest
import tensorflow as tf

from beltline.models.config import features_from_config
from beltline.models.features import Features
from beltline.models.objective import make_objective
from tests.models.rows import config

BINARY = features_from_config(config())
SEVERAL = features_from_config(config(task="multiclass", classes=["a", "b", "c"]))
NUMBER = features_from_config(config(task="regression", classes=[]))


def test_binary_starts_from_the_log_odds() -> None:
    objective = make_objective(np.array([0] * 96 + [1] * 4), BINARY, "prior")
    probability = objective.prediction(tf.constant([objective.output_bias]))
    assert probability.numpy()[0, 0] == pytest.approx(0.04)


def test_multiclass_starts_from_the_shares_even_of_an_absent_class() -> None:
    objective = make_objective(np.array([0] * 30 + [1] * 10), SEVERAL, "prior")
    shares = objective.prediction(tf.constant([objective.output_bias])).numpy()[0]
    np.testing.assert_allclose(shares, [0.74, 0.25, 0.01], atol=0.01)


@pytest.mark.parametrize(("labels", "features"), [([0, 0, 0, 1], BINARY), ([0, 0, 0, 2], SEVERAL)])
def test_balanced_classes_weigh_the_same(labels: list[int], features: Features) -> None:
    objective = make_objective(np.array(labels), features, "balanced")
    _, _, weights = objective.target({}, tf.constant(labels, tf.int64))
    np.testing.assert_allclose(weights, [2 / 3] * 3 + [2])
    assert set(objective.output_bias) == {0.0}


@pytest.mark.parametrize("labels", [[1e6, 1e6 + 2], [5.0, 5.0]])
def test_regression_is_standardised_and_back(labels: list[float]) -> None:
    objective = make_objective(np.array(labels, "float32"), NUMBER, "prior")
    _, target = objective.target({}, tf.constant(labels))
    assert np.abs(target).max() <= 1
    np.testing.assert_allclose(objective.prediction(target).numpy()[:, 0], labels)
