"""The figures are the evaluation's own, on the same rows."""

import numpy as np
import pyarrow as pa
import pytest

from beltline.base.settings.bounds import Bound
from beltline.pipeline.evaluation import metrics as evaluation
from beltline.serving.monitoring.live_metrics import labelled, live_metrics

CLASSES = ["ok", "so so", "bad"]
ROWS = 400
KEYS = [f"k{row}" for row in range(ROWS)]


def lists(values):
    return [list(value) if np.ndim(value) else [value] for value in values]


def sampled(**answers):
    keys = pa.array([[key.encode()] for key in KEYS])
    columns = {f"beltline:{name}": pa.array(lists(values)) for name, values in answers.items()}
    return pa.table({"beltline:key": keys, **columns})


def figures(table, labels, bounds=None, **problem):
    rows = labelled(table, dict(zip(KEYS, labels, strict=True)), problem)
    return {each.name: each for each in live_metrics(rows, problem, bounds or {})}


@pytest.fixture
def random():
    return np.random.default_rng(5)


def test_binary(random):
    truth = random.random(ROWS) < 0.3
    probability = np.clip(truth * 0.3 + random.random(ROWS) * 0.7, 0, 1)
    said = probability > 0.45
    table = sampled(probability=probability, **{"class": np.where(said, b"yes", b"no").tolist()})
    found = figures(table, np.where(truth, "yes", "no"), task="binary", classes=["no", "yes"])
    sums = evaluation._decisions(truth.astype(float), said[:, np.newaxis].astype(float))
    assert found["f1"].value == pytest.approx(evaluation._f1(sums))
    assert found["accuracy"].value == pytest.approx(evaluation._accuracy(sums))
    pairs = probability[truth][:, None] - probability[~truth][None]
    assert found["auc"].value == pytest.approx((pairs > 0).mean())
    assert 0.5 < found["pr_auc"].value < 1


def test_rows_without_a_class_count_for_the_probability_alone(random):
    truth = random.random(ROWS) < 0.3
    probability = np.clip(truth * 0.3 + random.random(ROWS) * 0.7, 0, 1)
    said = np.where(probability > 0.45, b"yes", b"no").tolist()
    labels = np.where(truth, "yes", "no")
    asked = {"task": "binary", "classes": ["no", "yes"]}
    whole = figures(sampled(probability=probability, **{"class": said}), labels, **asked)
    table = sampled(probability=probability)
    half = [[each] if row % 2 else None for row, each in enumerate(said)]
    found = figures(table.append_column("beltline:class", pa.array(half)), labels, **asked)
    assert found["auc"].value == whole["auc"].value
    right = [(label == each.decode()) for label, each in zip(labels, said, strict=True)]
    assert found["accuracy"].value == pytest.approx(np.mean(right[1::2]))
    assert figures(table, labels, **asked)["f1"].value is None


def test_several_classes(random):
    truth = random.integers(0, 3, ROWS)
    probabilities = random.dirichlet([1, 1, 1], ROWS) + 0.5 * np.eye(3)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    chosen = [CLASSES[each].encode() for each in probabilities.argmax(axis=1)]
    table = sampled(probabilities=probabilities, **{"class": chosen})
    found = figures(table, np.array(CLASSES)[truth], task="multiclass", classes=CLASSES)
    matrix = evaluation._confusion(truth, probabilities)
    assert found["accuracy"].value == pytest.approx(evaluation._on_diagonal(matrix))
    assert found["macro_f1"].value == pytest.approx(evaluation._macro_f1(matrix))
    own, other = probabilities.ravel()[np.eye(3)[truth].ravel() > 0], probabilities.ravel()
    other = other[np.eye(3)[truth].ravel() == 0]
    assert found["auc"].value == pytest.approx((own[:, None] > other[None]).mean(), abs=1e-4)


def test_a_regression(random):
    truth = random.normal(50, 10, ROWS).round(3)
    prediction = truth + random.normal(0, 3, ROWS)
    table = sampled(prediction=prediction)
    found = figures(table, [str(each) for each in truth], task="regression", classes=[])
    sums = evaluation._errors(truth, prediction[:, np.newaxis])
    assert found["rmse"].value == pytest.approx(evaluation._root_mean_square(sums))
    assert found["mae"].value == pytest.approx(evaluation._mean_absolute(sums))
    assert found["r2"].value == pytest.approx(evaluation._r2(sums))


def test_bounds():
    table = sampled(probability=np.linspace(0, 1, ROWS), **{"class": [b"no"] * ROWS})
    labels = ["no"] * (ROWS // 2) + ["yes"] * (ROWS // 2)
    bounds = {
        "f1": Bound(lower=0.2),
        "accuracy": Bound(upper=0.4),
        "auc": Bound(lower=0.9, upper=1.0),
    }
    found = figures(table, labels, bounds, task="binary", classes=["no", "yes"])
    assert found["f1"].alarms == ["f1: is 0 (at least 0.2)"]
    assert found["accuracy"].alarms == ["accuracy: is 0.5 (at most 0.4)"]
    assert found["auc"].alarms == []


def test_a_metric_that_is_undefined_for_a_single_class():
    table = sampled(probability=np.linspace(0, 1, ROWS), **{"class": [b"no"] * ROWS})
    bounds = {"auc": Bound(lower=0.9)}
    found = figures(table, ["no"] * ROWS, bounds, task="binary", classes=["no", "yes"])
    assert (found["auc"].value, found["auc"].alarms, found["accuracy"].value) == (None, [], 1)


def test_rows_without_a_known_label_are_left_out():
    table = sampled(prediction=np.arange(ROWS, dtype=float))
    rows = labelled(table, {"k3": "4.5", "k5": "?", "other": "1"}, {"task": "regression"})
    assert (rows.labels.tolist(), rows.answers["prediction"].tolist()) == (["4.5"], [3.0])
    assert rows.odd == {"?"}


def test_samples_without_keys_have_no_labels():
    assert len(labelled(pa.table({"x": [1]}), {"a": "yes"}, {}).labels) == 0
