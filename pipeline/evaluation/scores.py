"""The Evaluator's metrics of arrays at hand, without TFMA's steps around them.

Counts come from `metrics.py`. TFMA's curves are made of a histogram of 10,000 buckets, and those
here of the values themselves, by scikit-learn: on a few thousand rows that is the faster way. The
results are the same but for scores within one bucket.
"""

from collections.abc import Callable

import numpy as np
from sklearn import metrics as curves

from beltline.pipeline.evaluation import metrics

Score = Callable[[np.ndarray, np.ndarray], float]


def score_of(class_name: str) -> Score:
    """Returns the score of labels `[n]` and predictions `[n, k]` by a metric of `metrics.py`.

    It is NaN where the rows can't tell, such as the AUC of a single class.
    """
    curve = _CURVES.get(class_name)
    if curve is not None:
        return lambda labels, predictions: curve(*_pairs(labels, predictions))
    metric = getattr(metrics, class_name)()
    return lambda labels, predictions: float(metric.of(labels, predictions))


def roc_auc(is_true: np.ndarray, scores: np.ndarray) -> float:
    """Returns the share of true/false pairs that are ranked correctly; a tie counts half."""
    if is_true.all() or not is_true.any():
        return float("nan")
    return float(curves.roc_auc_score(is_true, scores))


def average_precision(is_true: np.ndarray, scores: np.ndarray) -> float:
    """Returns the mean precision over the true ones, each at its score as the threshold."""
    return float(curves.average_precision_score(is_true, scores)) if is_true.any() else float("nan")


def _pairs(labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels and scores of all pairs of a row and a class, as TFMA does."""
    if predictions.shape[1] > 1:
        labels = np.eye(predictions.shape[1])[labels.astype(int)]
    return labels.ravel() > 0.5, predictions.ravel().astype(float)


_CURVES: dict[str, Score] = {"RocAuc": roc_auc, "PrAuc": average_precision}
