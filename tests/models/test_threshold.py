"""The threshold of a binary model."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_curve

from beltline.models.threshold import best_f1


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a weak model for rare positives."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.05).astype(int)
    return 1 / (1 + np.exp(4 - 2 * labels - rng.normal(0, 1, rows))), labels


def best_on(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The threshold with the highest F1 on just these rows."""
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(thresholds[np.argmax(f1[:-1])])


@pytest.mark.parametrize(
    ("probabilities", "labels", "threshold", "f1"),
    [
        ([0.1, 0.2, 0.8, 0.9] * 20, [0, 0, 1, 1] * 20, 0.5, 1.0),
        # rows of one probability stay together
        ([0.5, 0.5, 0.5, 0.1] * 20, [1, 1, 0, 0] * 20, 0.3, 0.8),
        ([0.3, 0.3], [1, 0], 0.15, 2 / 3),
        ([1.0, 0.0], [1, 0], 0.5, 1.0),
    ],
)
def test_between_the_rows_that_it_tells_apart(
    probabilities: list[float], labels: list[int], threshold: float, f1: float
) -> None:
    found = best_f1(np.array(probabilities, "float32"), np.array(labels))
    assert found == pytest.approx((threshold, f1), abs=0.02)


def test_the_f1_is_that_of_these_rows() -> None:
    probabilities, labels = drawn(500, 1)
    threshold, f1 = best_f1(probabilities, labels)
    assert f1 == pytest.approx(f1_score(labels, probabilities >= threshold))


def test_on_other_rows_it_is_better_than_what_is_best_on_these() -> None:
    others, truth = drawn(20_000, 99)
    gains = []
    for seed in range(20):
        probabilities, labels = drawn(500, seed)
        ours, raw = best_f1(probabilities, labels)[0], best_on(probabilities, labels)
        gains.append(f1_score(truth, others >= ours) - f1_score(truth, others >= raw))
    assert np.mean(gains) > 0.003


def test_the_same_rows_give_the_same_threshold() -> None:
    assert best_f1(*drawn(500, 2)) == best_f1(*drawn(500, 2))
