"""The threshold where rows are few, certain, or alike."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from beltline.models.calibration import class_logits
from beltline.models.threshold import best_f1

STAYS = (0.3349436793841402, 0.7375886524822695)
"""A threshold, and its F1 on the rows that it was found on."""


def test_the_threshold_stays_what_it_was() -> None:
    # A model of the same rows must not decide otherwise after an upgrade.
    rng = np.random.default_rng(11)
    labels = (rng.random(300) < 0.2).astype(int)
    probabilities = 1 / (1 + np.exp(2 - 2 * labels - rng.normal(0, 1, 300)))
    assert best_f1(probabilities, labels) == pytest.approx(STAYS, rel=1e-6)


@pytest.mark.parametrize("last", [0, 1])
def test_the_f1_counts_the_lowest_row_too(last: int) -> None:
    probabilities = np.array([0.9, 0.8, 0.7, 0.2, 0.1] * 10)
    labels = np.array([1, 1, 0, 0, last] * 10)
    threshold, f1 = best_f1(probabilities, labels)
    assert f1 == pytest.approx(f1_score(labels, probabilities >= threshold))


def test_a_row_that_is_impossible_is_not_positive() -> None:
    threshold, f1 = best_f1(np.zeros(20), np.array([1, 0] * 10))
    assert (threshold, f1) == (pytest.approx(1e-7), 0.0)


def test_odds_are_bounded_where_rows_are_certain() -> None:
    threshold, _ = best_f1(np.array([1.0, 1 - 1e-12] * 20), np.array([1, 0] * 20))
    assert 1 - threshold == pytest.approx(1e-7, rel=1e-3)


def test_labels_that_are_always_positive_take_all_rows() -> None:
    threshold, f1 = best_f1(np.array([0.9, 0.5]), np.array([1, 1]))
    assert threshold < 0.5
    assert f1 == 1


def test_several_classes_keep_their_logits() -> None:
    outputs = np.array([[0.0, 1.0, 2.0]], "float32")
    assert class_logits(outputs).tolist() == [[0, 1, 2]]
    assert class_logits(np.array([[3.0]], "float32")).tolist() == [[0, 3]]
    assert class_logits(outputs).dtype == "float64"
