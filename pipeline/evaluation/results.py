"""Reads the Evaluator's results: metrics by name, and why a model was refused."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from beltline.pipeline.evaluation.intervals import Counts, intervals

CANDIDATE = "candidate"
BASELINE = "baseline"


def overall(evaluation: str, model: str) -> dict[str, float]:
    """Returns the metrics of `model` over all rows; empty if it was not evaluated.

    The only model of an evaluation has no name in TFMA's files: it is the candidate.
    """
    return next((values for name, values in by_slice(evaluation, model) if not name), {})


def by_slice(evaluation: str, model: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yields each slice as `column=value` (empty for all rows) with its metrics."""
    for name, found in _by_slice(evaluation, model, "double_value"):
        yield name, {metric: value.double_value.value for metric, value in found.items()}


def counts(evaluation: str, model: str) -> dict[str, dict[str, np.ndarray]]:
    """Returns by slice, as `by_slice` names it, the metrics that are arrays."""
    return {
        name: {metric: _array(value.array_value) for metric, value in found.items()}
        for name, found in _by_slice(evaluation, model, "array_value")
    }


def _by_slice(evaluation: str, model: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in _records(evaluation, "metrics"):
        metrics = metrics_for_slice_pb2.MetricsForSlice.FromString(record)
        values = {
            entry.key.name: entry.value
            for entry in metrics.metric_keys_and_values
            if entry.value.HasField(kind)
            and not entry.key.is_diff
            and (entry.key.model_name or CANDIDATE) == model
        }
        if values:
            yield _slice_name(metrics.slice_key), values


def _array(value: metrics_for_slice_pb2.ArrayValue) -> np.ndarray:
    return np.array(value.float64_values).reshape(value.shape)


def refusals(evaluation: str) -> list[str]:
    """Returns a line for each threshold that the candidate missed; empty where it passed.

    With a value stands its 95 % interval, where the rows can tell.
    """
    lines = []
    counted = counts(evaluation, CANDIDATE)
    for record in _records(evaluation, "validations"):
        result = validation_result_pb2.ValidationResult.FromString(record)
        for validation in result.metric_validations_per_slice:
            where = _slice_name(validation.slice_key)
            for failure in validation.failures:
                lines.append(_refusal(failure, where, counted.get(where, {})))
        if result.missing_thresholds:
            lines.append("no threshold is set, so nothing shows that the model is good")
    return lines


def _refusal(failure: validation_result_pb2.ValidationFailure, where: str, counted: Counts) -> str:
    metric = failure.metric_key.name
    name = metric + (f" for {where}" if where else "")
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if failure.metric_key.is_diff:
        return f"{name} {_against(value, threshold.change_threshold)}"
    if failure.message == "Metric not found.":
        return f"{name} was not computed"
    bounds, reached = threshold.value_threshold, f"{name} is {value:.4g}"
    if metric in (found := intervals({metric: value}, counted)):
        low, high = found[metric]
        reached += f" (95 %: {low:.4g} to {high:.4g})"
    if bounds.HasField("lower_bound") and not value >= bounds.lower_bound.value:
        return f"{reached}, must be at least {bounds.lower_bound.value:g}"
    return f"{reached}, must be at most {bounds.upper_bound.value:g}"


def _against(change: float, threshold: config_pb2.GenericChangeThreshold) -> str:
    if math.isnan(change):
        return "can't be compared with the champion's: one of them is not a number"
    lower = threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    # Adding zero turns -0 into 0.
    bound = f"at {'most' if lower else 'least'} {threshold.absolute.value + 0.0:+.4g}"
    return f"is {change:+.4g} against the champion's, must be {bound}"


def _slice_name(key: metrics_for_slice_pb2.SliceKey) -> str:
    return ", ".join(
        f"{single.column}={_text(single)}" for single in key.single_slice_keys if single.column
    )


def _text(single: metrics_for_slice_pb2.SingleSliceKey) -> str:
    value = getattr(single, single.WhichOneof("kind"))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _records(evaluation: str, name: str) -> Iterator[bytes]:
    # TFMA shards what it writes, and gives a single shard no number.
    files = sorted(str(file) for file in Path(evaluation).glob(f"{name}*"))
    yield from tf.data.TFRecordDataset(files).as_numpy_iterator()
