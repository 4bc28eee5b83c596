"""Reading TFMA's files; the protos are written here as TFMA writes them."""

import math
import re

import pytest
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from beltline.pipeline.evaluation.results import BASELINE, CANDIDATE, by_slice, overall, refusals


def record(folder, name, *messages):
    with tf.io.TFRecordWriter(str(folder / name)) as writer:
        for message in messages:
            writer.write(message.SerializeToString())
    return str(folder)


def key_of(column=None, **value):
    key = metrics_for_slice_pb2.SliceKey()
    if column:
        key.single_slice_keys.add(column=column, **value)
    return key


def sliced(key, model, values, diff=False):
    message = metrics_for_slice_pb2.MetricsForSlice(slice_key=key)
    for name, value in values.items():
        entry = message.metric_keys_and_values.add()
        entry.key.name, entry.key.model_name, entry.key.is_diff = name, model, diff
        entry.value.double_value.value = value
    return message


def histogram(key, rows):
    """Counts of a score that says nothing: in each of two buckets half of the rows are positive."""
    message = metrics_for_slice_pb2.MetricsForSlice(slice_key=key)
    entry = message.metric_keys_and_values.add()
    entry.key.name, entry.key.model_name = "score_histogram", CANDIDATE
    array = entry.value.array_value
    array.shape[:] = [3, 2]
    array.data_type = metrics_for_slice_pb2.ArrayValue.FLOAT64
    array.float64_values[:] = [rows / 2, rows / 2, rows * 0.2, rows * 0.8, rows, rows]
    return message


def failure(name, value, threshold, diff=False, message=""):
    made = validation_result_pb2.ValidationFailure(message=message)
    made.metric_key.name, made.metric_key.is_diff = name, diff
    if value is not None:
        made.metric_value.double_value.value = value
    made.metric_threshold.CopyFrom(threshold)
    return made


def refused(folder, *failures, key=None):
    result = validation_result_pb2.ValidationResult()
    result.metric_validations_per_slice.add(slice_key=key or key_of(), failures=failures)
    return refusals(record(folder, "validations.tfrecord", result))


def bounds(lower=None, upper=None):
    threshold = config_pb2.MetricThreshold()
    if lower is not None:
        threshold.value_threshold.lower_bound.value = lower
    if upper is not None:
        threshold.value_threshold.upper_bound.value = upper
    return threshold


def change(absolute, direction):
    threshold = config_pb2.MetricThreshold()
    threshold.change_threshold.absolute.value = absolute
    threshold.change_threshold.direction = direction
    return threshold


HIGHER = config_pb2.MetricDirection.HIGHER_IS_BETTER
LOWER = config_pb2.MetricDirection.LOWER_IS_BETTER


def test_metrics_by_model_and_slice(tmp_path):
    folder = record(
        tmp_path,
        "metrics-00000-of-00001.tfrecord",
        sliced(key_of("mold", bytes_value="Ä 1".encode()), CANDIDATE, {"auc": 0.7}),
        sliced(key_of(), CANDIDATE, {"auc": 0.8, "f1": 0.5}),
        sliced(key_of(), CANDIDATE, {"auc": 0.1}, diff=True),
        sliced(key_of(), BASELINE, {"auc": 0.6}),
        sliced(key_of("hour", int64_value=3), CANDIDATE, {"auc": 0.75}),
        sliced(key_of("bad", bytes_value=b"\xff"), CANDIDATE, {"auc": 0.5}),
    )
    assert overall(folder, CANDIDATE) == {"auc": 0.8, "f1": 0.5}
    assert overall(folder, BASELINE) == {"auc": 0.6}
    assert dict(by_slice(folder, CANDIDATE)) == {
        "mold=Ä 1": {"auc": 0.7},
        "": {"auc": 0.8, "f1": 0.5},
        "hour=3": {"auc": 0.75},
        "bad=\ufffd": {"auc": 0.5},
    }


def test_the_only_model_has_no_name_in_the_files(tmp_path):
    folder = record(tmp_path, "metrics.tfrecord", sliced(key_of(), "", {"auc": 0.8}))
    assert overall(folder, CANDIDATE) == {"auc": 0.8}
    assert overall(folder, BASELINE) == {}


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (("auc", 0.5, bounds(lower=0.6)), "auc is 0.5, must be at least 0.6"),
        (("rmse", 2.5, bounds(upper=2)), "rmse is 2.5, must be at most 2"),
        (("r2", 0.95, bounds(lower=0.1, upper=0.9)), "r2 is 0.95, must be at most 0.9"),
        (("r2", math.nan, bounds(lower=0.1)), "r2 is nan, must be at least 0.1"),
        (
            ("auc", -0.01, change(0.0, HIGHER), True),
            "auc is -0.01 against the champion's, must be at least +0",
        ),
        (
            ("rmse", 0.2, change(-0.0, LOWER), True),
            "rmse is +0.2 against the champion's, must be at most +0",
        ),
        (
            ("rmse", -0.05, change(-0.1, LOWER), True),
            "rmse is -0.05 against the champion's, must be at most -0.1",
        ),
        (
            ("auc", math.nan, change(0.0, HIGHER), True),
            "auc can't be compared with the champion's: one of them is not a number",
        ),
        (("auc", None, bounds(lower=0.6), False, "Metric not found."), "auc was not computed"),
    ],
)
def test_each_refusal_says_what_was_reached_and_what_was_needed(tmp_path, case, line):
    assert refused(tmp_path, failure(*case)) == [line]


def test_a_refusal_names_its_slice(tmp_path):
    key = key_of("mold", bytes_value=b"M3")
    assert refused(tmp_path, failure("auc", 0.5, bounds(lower=0.6)), key=key) == [
        "auc for mold=M3 is 0.5, must be at least 0.6"
    ]


def test_a_refusal_says_what_other_rows_of_the_same_kind_may_give(tmp_path):
    slices = (key_of(), 40), (key_of("mold", bytes_value=b"M3"), 4)
    record(tmp_path, "metrics.tfrecord", *(histogram(key, rows) for key, rows in slices))
    found = []
    for key, _ in slices:
        [line] = refused(tmp_path, failure("auc", 0.5, bounds(lower=0.6)), key=key)
        before, low, high, after = re.split(r" \(95 %: (\S+) to (\S+)\)", line)
        assert (before.split()[0], after) == ("auc", ", must be at least 0.6")
        assert float(low) < 0.5 < float(high)
        found.append(float(high) - float(low))
    # Fewer rows say less; what isn't counted has no interval.
    assert found[0] < found[1] / 2
    assert refused(tmp_path, failure("rmse", 2.5, bounds(upper=2))) == [
        "rmse is 2.5, must be at most 2"
    ]


def test_no_threshold_is_no_verdict(tmp_path):
    result = validation_result_pb2.ValidationResult(missing_thresholds=True)
    (line,) = refusals(record(tmp_path, "validations.tfrecord", result))
    assert line.startswith("no threshold is set")


def test_a_model_that_passed_has_no_refusals(tmp_path):
    passed = validation_result_pb2.ValidationResult(validation_ok=True)
    assert refusals(record(tmp_path, "validations.tfrecord", passed)) == []
