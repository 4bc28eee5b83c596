"""Which temperature an objective gets from rows that were held back, and when it gets none."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from beltline.models import calibration
from beltline.models.calibration import calibrated, class_logits, helps, sharpness
from beltline.models.config import Imbalance, features_from_config
from beltline.models.objective import Objective, make_objective
from tests.models.rows import config


def objective(labels: Any, imbalance: Imbalance = "prior", **features: Any) -> Objective:
    return make_objective(labels, features_from_config(config(**features)), imbalance)


def drawn(rows: int, too_sure: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Outputs `[n, 1]` that are `too_sure` times the log-odds that the labels were drawn from."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return (odds * too_sure)[:, None], labels


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.where(labels == 1, probabilities, 1 - probabilities)).mean())


@pytest.mark.parametrize("too_sure", [0.5, 3.0])
def test_the_temperature_divides_by_what_was_too_sure(too_sure: float) -> None:
    outputs, labels = drawn(10_000, too_sure)
    plain = objective(labels)
    found = calibrated(plain, outputs, labels)
    assert found.temperature == pytest.approx(too_sure, rel=0.1)
    assert found == dataclasses.replace(plain, temperature=found.temperature)
    before = plain.prediction(outputs).numpy()[:, 0]
    after = found.prediction(outputs).numpy()[:, 0]
    assert log_loss(after, labels) < log_loss(before, labels) - 0.01


def test_several_classes_share_one_temperature() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 1.5, (10_000, 3))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    made = objective(labels, task="multiclass", classes=["high", "mid", "low"])
    assert calibrated(made, 2 * logits, labels).temperature == pytest.approx(2, rel=0.1)


def test_a_regression_has_none() -> None:
    outputs, labels = drawn(1000, 3.0)
    made = objective(labels.astype(float), task="regression", classes=[], numbers="zscore")
    assert calibrated(made, outputs, labels) is made


def test_what_is_right_stays_as_it_is() -> None:
    outputs, labels = drawn(2000, 1.0, seed=1)
    made = objective(labels)
    assert calibrated(made, outputs, labels) == made


def test_class_weights_weigh_the_rows() -> None:
    outputs, labels = drawn(4000, 1.0)
    # Too sure of the rare class alone, which its weight lets decide.
    outputs = np.where(outputs > 0, 3 * outputs, outputs)
    kept = np.flatnonzero((labels == 0) | (np.arange(4000) % 10 == 0))
    outputs, labels = outputs[kept], labels[kept]
    made = objective(labels, "balanced")
    assert made.class_weights is not None
    weights = np.asarray(made.class_weights)[labels]
    wanted = 1 / sharpness(class_logits(outputs), labels, weights)
    unweighted = 1 / sharpness(class_logits(outputs), labels, np.ones(len(labels)))
    found = calibrated(made, outputs, labels).temperature
    assert found == pytest.approx(wanted)
    assert found != pytest.approx(unweighted, rel=0.01)


def folds(rows: int, too_sure: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, 2))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (shares.cumsum(1) < rng.random((rows, 1))).sum(1)
    return logits * too_sure, labels, np.ones(rows)


def gains(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray, leak: bool) -> np.ndarray:
    """What each row gains by a temperature from the other folds, or (`leak`) from all rows."""
    found = np.empty(len(labels))
    fold = np.arange(len(labels)) % calibration.FOLDS
    for each in range(calibration.FOLDS):
        seen, held = (fold != each) | leak, fold == each
        by = sharpness(logits[seen], labels[seen], weights[seen])
        right = np.arange(len(labels)), labels
        log_shares = [k - np.log(np.exp(k).sum(1, keepdims=True)) for k in (logits, logits * by)]
        found[held] = (log_shares[1][right] - log_shares[0][right])[held]
    return found


def errors(of: np.ndarray) -> float:
    """The mean in standard errors."""
    return float(of.mean() / (of.std() / np.sqrt(len(of))))


def test_a_gain_within_its_standard_error_is_none() -> None:
    rows = folds(200, 1.0, seed=8)
    assert 0.5 < errors(gains(*rows, leak=False)) < 0.9
    assert not helps(*rows)


def test_rows_judge_a_temperature_that_was_not_found_on_them() -> None:
    rows = folds(200, 1.25, seed=17)
    assert errors(gains(*rows, leak=True)) > 1.5
    assert errors(gains(*rows, leak=False)) < 0.9
    assert not helps(*rows)


@pytest.mark.parametrize(("rows", "kept"), [(99, False), (100, True)])
def test_a_hundred_rows_are_enough(rows: int, kept: bool) -> None:
    assert helps(*folds(rows, 4.0, seed=2)) is kept
