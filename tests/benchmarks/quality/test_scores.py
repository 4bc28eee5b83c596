"""The metrics, on cases that are worked out by hand."""

import numpy as np
import pytest

from beltline.models.features import Features, Task
from benchmarks.quality.scores import calibration_error, error_by_chance, scored


def features(task: Task, classes: tuple[str, ...] = ()) -> Features:
    return Features(
        columns={"x": "number"},
        numeric=("x",),
        categorical=(),
        timestamps={},
        label="y",
        task=task,
        classes=classes,
        domains={},
        numbers="quantile",
        vocabulary_size=10,
        out_of_vocabulary_buckets=1,
    )


def test_two_classes() -> None:
    labels, outputs = np.array([0, 0, 1, 1]), np.array([[0.1], [0.4], [0.35], [0.8]])
    found = scored(features("binary", ("no", "yes")), labels, outputs)
    assert found["auc"] == 0.75  # one of the four pairs is the wrong way round
    assert found["pr-auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["log loss"] == pytest.approx(-np.log([0.9, 0.6, 0.35, 0.8]).mean())
    # More bins than rows: each row is one.
    assert found["ece"] == pytest.approx((0.1 + 0.4 + 0.65 + 0.2) / 4)
    assert set(found) == {"auc", "pr-auc", "log loss", "ece", "ece by chance"}


def test_several_classes() -> None:
    labels = np.array([0, 1, 2, 2])
    outputs = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.5, 0.1, 0.4]])
    found = scored(features("multiclass", ("a", "b", "c")), labels, outputs.astype(np.float32))
    assert found["auc"] == 1
    assert found["log loss"] == pytest.approx(-np.log([0.8, 0.7, 0.7, 0.4]).mean(), abs=1e-6)
    assert found["macro f1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found["ece"] == pytest.approx((0.2 + 0.3 + 0.3 + 0.5) / 4, abs=1e-6)


def test_numbers() -> None:
    labels, outputs = np.array([1.0, 2.0, 3.0, 4.0]), np.array([[1.0], [2.0], [3.0], [2.0]])
    found = scored(features("regression"), labels, outputs)
    assert found == {"r2": pytest.approx(0.2), "rmse": pytest.approx(1)}


def test_bins_have_equally_many_rows() -> None:
    probabilities = np.array([0.9, 0.1, 0.1, 0.9, 0.9, 0.1])
    outcomes = np.array([1, 0, 0, 1, 0, 1])
    # A third came where 0.1 was said, and two thirds where 0.9 was.
    assert calibration_error(probabilities, outcomes, bins=2) == pytest.approx(0.7 / 3)
    assert calibration_error(probabilities, outcomes, bins=1) == pytest.approx(0)


def test_what_chance_alone_makes_of_right_probabilities() -> None:
    sure = np.array([0.0, 1.0] * 50)
    assert error_by_chance(sure) == 0
    # Of 15 bins with 400 rows each: the mean distance of a normal with deviation sqrt(0.25 / 400).
    even = np.full(6_000, 0.5)
    assert error_by_chance(even) == pytest.approx(0.025 * np.sqrt(2 / np.pi), rel=0.1)
    assert error_by_chance(even) == error_by_chance(even)
