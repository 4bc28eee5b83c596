"""The intervals from counts, against the bootstrap of the rows themselves."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from beltline.pipeline.evaluation.intervals import intervals
from beltline.pipeline.evaluation.metrics import (
    Confusion,
    Decisions,
    ErrorSums,
    ScoreHistogram,
)

ROWS = 600
RNG = np.random.default_rng(11)
LABELS = (RNG.random(ROWS) < 0.25).astype(float)
SCORES = np.clip(RNG.normal(0.3 + 0.25 * LABELS, 0.2), 0.001, 0.999)
SAID = SCORES > 0.5
CLASSES = RNG.integers(0, 3, ROWS)
CHOSEN = np.where(RNG.random(ROWS) < 0.7, CLASSES, RNG.integers(0, 3, ROWS))
NUMBERS = RNG.normal(50, 10, ROWS)
PREDICTED = NUMBERS + RNG.normal(0, 3, ROWS)


def bootstrap(metric, *arrays, times=800):
    draws = [RNG.integers(0, ROWS, ROWS) for _ in range(times)]
    return np.percentile([metric(*(each[draw] for each in arrays)) for draw in draws], [2.5, 97.5])


def close(interval, expected, value):
    """As wide as the bootstrap's, to a sixth: both are drawn."""
    low, high = interval
    assert low < value < high
    width = expected[1] - expected[0]
    assert [low, high] == pytest.approx(list(expected), abs=width / 6)


BINARY = {
    "auc": (sklearn_metrics.roc_auc_score, SCORES),
    "pr_auc": (sklearn_metrics.average_precision_score, SCORES),
    "calibration": (lambda labels, scores: scores.sum() / labels.sum(), SCORES),
    "accuracy": (sklearn_metrics.accuracy_score, SAID),
    "f1": (sklearn_metrics.f1_score, SAID),
}


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_model_s_metrics(name):
    metric, answers = BINARY[name]
    counts = {
        "score_histogram": ScoreHistogram().of(LABELS, SCORES[:, None]),
        "decisions": Decisions().of(LABELS, SAID[:, None].astype(float)),
    }
    value = metric(LABELS, answers)
    found = intervals({name: value, "rows": ROWS}, counts)
    assert list(found) == [name]
    close(found[name], bootstrap(metric, LABELS, answers), value)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_a_model_of_several_classes(name):
    def macro_f1(labels, said):
        return sklearn_metrics.f1_score(labels, said, average="macro")

    metric = {"accuracy": sklearn_metrics.accuracy_score, "macro_f1": macro_f1}[name]
    value = metric(CLASSES, CHOSEN)
    counts = {"confusion": Confusion().of(CLASSES, np.eye(3)[CHOSEN])}
    found = intervals({name: value, "auc": 0.9}, counts)
    assert list(found) == [name]
    close(found[name], bootstrap(metric, CLASSES, CHOSEN), value)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_regression(name):
    def r2_of_these_labels(labels, predictions):
        return 1 - np.mean((labels - predictions) ** 2) / NUMBERS.var()

    metric = {
        "rmse": sklearn_metrics.root_mean_squared_error,
        "mae": sklearn_metrics.mean_absolute_error,
        "r2": r2_of_these_labels,
    }[name]
    counts = {"error_sums": ErrorSums().of(NUMBERS, PREDICTED[:, None])}
    value = metric(NUMBERS, PREDICTED)
    close(intervals({name: value}, counts)[name], bootstrap(metric, NUMBERS, PREDICTED), value)


def test_the_same_counts_have_the_same_intervals():
    counts = {"decisions": np.array([40.0, 5.0, 10.0, 45.0])}
    assert intervals({"f1": 0.84}, counts) == intervals({"f1": 0.84}, counts)


def test_a_perfect_model_is_not_better_than_perfect():
    histogram = ScoreHistogram().of(LABELS, np.where(LABELS, 0.9, 0.1)[:, None])
    assert intervals({"auc": 1.0, "pr_auc": 1.0}, {"score_histogram": histogram}) == {
        "auc": (1.0, 1.0),
        "pr_auc": (1.0, 1.0),
    }
    exact = ErrorSums().of(NUMBERS, NUMBERS[:, None])
    assert intervals({"rmse": 0.0}, {"error_sums": exact})["rmse"] == (0.0, 0.0)


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"score_histogram": ScoreHistogram().of(np.zeros(9), np.full((9, 1), 0.5))},
        {"confusion": np.full((2, 2), np.nan)},
        {"confusion": np.empty((0, 0))},
        {"error_sums": ErrorSums().of(np.ones(1), np.ones((1, 1)))},
        {"error_sums": np.full(6, np.nan)},
        {"decisions": np.zeros(4)},
    ],
)
def test_rows_that_can_not_tell_have_none(counts):
    metrics = {"auc": 0.5, "accuracy": 0.5, "rmse": 1.0, "r2": 0.0, "f1": 0.0}
    assert intervals(metrics, counts) == {}
