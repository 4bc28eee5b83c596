import math

import numpy as np
import pytest
from sklearn import metrics as reference

from beltline.pipeline.evaluation.scores import average_precision, roc_auc, score_of

CHANCE = np.random.default_rng(3)
LABELS = CHANCE.integers(0, 2, 500)
# Rounded, so that many rows share a score.
SCORES = np.round(LABELS * 0.3 + CHANCE.random(500), 1)
CLASSES = CHANCE.integers(0, 3, 500)
PROBABILITIES = CHANCE.dirichlet([1, 1, 1], 500)
NUMBERS = CHANCE.normal(size=500)
GUESSES = NUMBERS + CHANCE.normal(size=500)


def pairs_in_order(labels, scores):
    """The area under the ROC curve, by looking at every pair of a true and a false one."""
    true, false = scores[labels == 1][:, np.newaxis], scores[labels == 0]
    return np.mean((true > false) + (true == false) / 2)


def mean_precision(labels, scores):
    """Over the true ones: how many of those with as good a score are true."""
    return np.mean([labels[scores >= each].mean() for each in scores[labels == 1]])


@pytest.mark.parametrize(
    ("metric", "labels", "predictions", "expected"),
    [
        ("RocAuc", LABELS, SCORES, pairs_in_order(LABELS, SCORES)),
        ("PrAuc", LABELS, SCORES, mean_precision(LABELS, SCORES)),
        ("DecisionF1", LABELS, SCORES > 0.6, reference.f1_score(LABELS, SCORES > 0.6)),
        ("DecisionAccuracy", LABELS, SCORES > 0.6, np.mean((SCORES > 0.6) == LABELS)),
        ("ClassAccuracy", CLASSES, PROBABILITIES, np.mean(PROBABILITIES.argmax(1) == CLASSES)),
        (
            "MacroF1",
            CLASSES,
            PROBABILITIES,
            reference.f1_score(CLASSES, PROBABILITIES.argmax(1), average="macro"),
        ),
        (
            "RocAuc",
            CLASSES,
            PROBABILITIES,
            pairs_in_order(np.eye(3)[CLASSES].ravel(), PROBABILITIES.ravel()),
        ),
        ("RootMeanSquare", NUMBERS, GUESSES, np.sqrt(np.mean((NUMBERS - GUESSES) ** 2))),
        ("MeanAbsolute", NUMBERS, GUESSES, np.mean(np.abs(NUMBERS - GUESSES))),
        ("R2", NUMBERS, GUESSES, reference.r2_score(NUMBERS, GUESSES)),
    ],
)
def test_every_metric_is_what_its_name_says(metric, labels, predictions, expected):
    predictions = np.asarray(predictions, float).reshape(len(labels), -1)
    found = score_of(metric)(labels.astype(float), predictions)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("is_true", [np.ones(4, bool), np.zeros(4, bool)])
def test_one_class_alone_tells_no_auc(is_true):
    assert math.isnan(roc_auc(is_true, np.arange(4)))


def test_without_a_true_one_there_is_no_precision():
    assert math.isnan(average_precision(np.zeros(4, bool), np.arange(4)))
    assert average_precision(np.ones(4, bool), np.arange(4)) == 1
