"""The threshold of a binary model."""

import numpy as np
import pytest

from models.threshold import best_f1


@pytest.mark.parametrize(
    ("probabilities", "labels", "threshold", "f1"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 0.5, 1.0),
        ([0.5, 0.5, 0.5, 0.1], [1, 1, 0, 0], 0.3, 0.8),  # rows of one probability stay together
        ([0.3, 0.3], [1, 0], 0.15, 2 / 3),
    ],
)
def test_best_f1(
    probabilities: list[float], labels: list[int], threshold: float, f1: float
) -> None:
    found = best_f1(np.array(probabilities, "float32"), np.array(labels))
    assert found == pytest.approx((threshold, f1))


def test_no_other_threshold_is_better() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(1)
    labels = (rng.random(500) < 0.1).astype(int)
    probabilities = np.clip(rng.normal(0.2 + 0.2 * labels, 0.1), 0, 1).astype("float32")
    threshold, best = best_f1(probabilities, labels)
    assert f1_score(labels, probabilities >= threshold) == pytest.approx(best)
    assert best >= max(f1_score(labels, probabilities >= t) for t in np.unique(probabilities))
