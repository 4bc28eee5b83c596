"""Our own TFMA metrics, row by row as TFMA calls them, against scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from tensorflow_model_analysis.metrics import metric_types

from beltline.pipeline.evaluation.metrics import R2, MacroF1

QUICK = settings(max_examples=50, deadline=None)
NUMBERS = st.floats(-1e3, 1e3, width=32)


def figure(metric, labels, predictions, batches=3):
    """What the metric makes of the rows, counted in several heaps that are then put together."""
    (computation,) = metric.computations()
    combiner = computation.combiner
    heaps = [combiner.create_accumulator() for _ in range(batches)]
    for index, (label, prediction) in enumerate(zip(labels, predictions, strict=True)):
        row = metric_types.StandardMetricInputs(
            labels=np.atleast_1d(np.float32(label)), predictions=np.atleast_1d(prediction)
        )
        heaps[index % batches] = combiner.add_input(heaps[index % batches], row)
    (value,) = combiner.extract_output(combiner.merge_accumulators(heaps)).values()
    return value


@QUICK
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30))
def test_r2_is_that_of_scikit_learn(rows):
    labels, predictions = np.array(rows, dtype=np.float64).T
    spread = np.square(labels - labels.mean()).sum()
    got = figure(R2(), labels, predictions)
    if spread < 1e-3 * max(1, np.square(labels).sum()):
        return
    expected = sklearn_metrics.r2_score(labels, predictions)
    assert got == pytest.approx(expected, rel=1e-2, abs=1e-2)


def test_r2_of_labels_far_from_zero_keeps_its_digits():
    rng = np.random.default_rng(1)
    labels = (1e4 + rng.normal(size=500)).astype(np.float32)
    predictions = labels + rng.normal(scale=0.3, size=500).astype(np.float32)
    got = figure(R2(), labels, predictions)
    assert got == pytest.approx(sklearn_metrics.r2_score(labels, predictions), rel=1e-4)


def test_r2_is_no_number_where_the_label_never_changes_or_there_is_no_row():
    assert np.isnan(figure(R2(), [3.0, 3.0], [1.0, 2.0]))
    assert np.isnan(figure(R2(), [], []))
    assert np.isnan(figure(R2(), [1.0, 2.0], [np.nan, 2.0]))


@QUICK
@given(data=st.data(), classes=st.integers(2, 5), rows=st.integers(1, 40))
def test_macro_f1_is_that_of_scikit_learn(data, classes, rows):
    index = st.integers(0, classes - 1)
    labels = data.draw(st.lists(index, min_size=rows, max_size=rows))
    chosen = data.draw(st.lists(index, min_size=rows, max_size=rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sklearn_metrics.f1_score(labels, chosen, average="macro", zero_division=0)
    assert figure(MacroF1(), labels, np.eye(classes)[chosen] * 0.9) == pytest.approx(expected)


def test_macro_f1_of_no_rows_and_of_what_is_no_number():
    assert np.isnan(figure(MacroF1(), [], []))
    assert np.isnan(figure(MacroF1(), [0, 1], np.array([[np.nan, np.nan], [0.2, 0.8]])))


@pytest.mark.parametrize("metric", [R2, MacroF1])
def test_a_metric_goes_by_the_name_that_the_settings_give_it(metric):
    (computation,) = metric(name="mine").computations()
    assert [key.name for key in computation.keys] == ["mine"]
