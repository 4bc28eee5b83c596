"""The temperature, and when there is one."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from beltline.models.calibration import class_logits, helps, sharpness
from beltline.models.config import features_from_config
from beltline.models.objective import Objective, make_objective
from tests.models.rows import config


def drawn(rows: int, classes: int, too_sure: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are `too_sure` times those that the labels were drawn from."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (rows, classes))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (shares.cumsum(1) < rng.random((rows, 1))).sum(1)
    return logits * too_sure, labels, np.ones(rows)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("too_sure", [0.5, 3.0])
def test_finds_what_was_multiplied(classes: int, too_sure: float) -> None:
    logits, labels, weights = drawn(20_000, classes, too_sure)
    assert sharpness(logits, labels, weights) == pytest.approx(1 / too_sure, rel=0.05)
    assert helps(logits, labels, weights)


def test_finds_where_the_loss_is_lowest() -> None:
    logits, labels, weights = drawn(2_000, 3, 1.5)

    def loss(by: float) -> float:
        return float(log_loss(labels, softmax(logits * by, axis=1)))

    lowest = minimize_scalar(loss, bounds=(0.25, 4), options={"xatol": 1e-9})
    assert sharpness(logits, labels, weights) == pytest.approx(lowest.x, rel=1e-6)


def test_leaves_alone_what_is_right_or_too_few_to_say() -> None:
    assert not helps(*drawn(2_000, 2, 1.0))
    assert not helps(*drawn(8, 2, 1.2))


def test_few_rows_without_an_error_make_nobody_surer() -> None:
    labels = np.arange(40) % 2
    logits = class_logits((2.0 * labels - 1)[:, None])
    assert not helps(logits, labels, np.ones(40))


def test_stays_in_bounds_where_classes_are_told_apart_without_fail() -> None:
    logits = class_logits(np.array([[-3.0], [4.0]] * 10))
    assert 1 < sharpness(logits, np.array([0, 1] * 10), np.ones(20)) <= 4


def test_weights_decide_how_much_a_row_counts() -> None:
    logits, labels, weights = drawn(2_000, 2, 3.0)
    both = sharpness(logits, labels, weights)
    weights[1000:] = 0
    assert sharpness(logits, labels, weights) == pytest.approx(
        sharpness(logits[:1000], labels[:1000], weights[:1000])
    )
    assert sharpness(logits, labels, weights) != both


def test_the_objective_divides_by_it() -> None:
    features = features_from_config(config())
    plain = make_objective(np.array([0, 1]), features, "prior")
    cooled = Objective("binary", plain.output_bias, temperature=2.0)
    outputs = tf.constant([[3.0]])
    assert cooled.prediction(outputs).numpy() == pytest.approx(
        plain.prediction(outputs / 2).numpy()
    )
