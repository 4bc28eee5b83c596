"""The Evaluator's metrics of arrays at hand, without TFMA's steps around them.

Counts come from `metrics.py`; TFMA's curves are made of a histogram of 10,000 buckets, and those
here of the values themselves, which on a few thousand rows is the faster way. The figures are the
same but for what falls into one bucket.
"""

from collections.abc import Callable

import numpy as np

from pipeline import metrics

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
    """The share of the pairs of a true and a false one that are in order; a tie counts half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    true = is_true.sum()
    false = is_true.size - true
    if not true or not false:
        return float("nan")
    return float((ranks[is_true].sum() - true * (true + 1) / 2) / (true * false))


def average_precision(is_true: np.ndarray, scores: np.ndarray) -> float:
    """The mean precision over the true ones, each at its score as the threshold."""
    _, place, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    true = np.bincount(place, is_true, counts.size)
    if not true.any():
        return float("nan")
    precision = np.cumsum(true) / np.cumsum(counts)
    return float((precision * true).sum() / true.sum())


def _pairs(labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of several classes all pairs of a row and a class, as TFMA has it."""
    if predictions.shape[1] > 1:
        labels = np.eye(predictions.shape[1])[labels.astype(int)]
    return labels.ravel() > 0.5, predictions.ravel().astype(float)


_CURVES: dict[str, Score] = {"RocAuc": roc_auc, "PrAuc": average_precision}
