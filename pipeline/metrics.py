"""Metrics that TFMA does not have, as TFMA metrics: R² and macro-F1.

A new one is a `_Combiner` (what to count per row, what to make of the counts) and a `Metric` class
that names it; the evaluation's configuration refers to it by module and class name.
"""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

Counts = np.ndarray


class _Combiner(beam.CombineFn):
    """Adds up `count(label, prediction)` over the rows, and ends with `figure(sums)`."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        places: dict[str, Any],
        count: Callable[[np.ndarray, np.ndarray], Counts],
        figure: Callable[[Counts], float],
    ):
        self._key = key
        self._places = places
        self._count = count
        self._figure = figure

    def create_accumulator(self) -> Counts:
        return np.zeros(())

    def add_input(self, sums: Counts, row: metric_types.StandardMetricInputs) -> Counts:
        for label, prediction, _ in metric_util.to_label_prediction_example_weight(
            row, flatten=False, squeeze=False, **self._places
        ):
            sums = sums + self._count(np.asarray(label), np.asarray(prediction))
        return sums

    def merge_accumulators(self, accumulators: Iterator[Counts]) -> Counts:
        return sum(accumulators, start=np.zeros(()))

    def extract_output(self, sums: Counts) -> dict[metric_types.MetricKey, float]:
        return {self._key: self._figure(sums) if sums.shape else float("nan")}


def _computations(
    count: Callable[[np.ndarray, np.ndarray], Counts], figure: Callable[[Counts], float]
) -> Callable[..., Any]:
    def compute(
        name: str | None = None,
        eval_config: Any = None,
        model_name: str = "",
        output_name: str = "",
        **_: Any,
    ) -> list[metric_types.MetricComputation]:
        key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
        places = {
            "eval_config": eval_config,
            "model_name": model_name,
            "output_name": output_name,
        }
        combiner = _Combiner(key, places, count, figure)
        return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]

    return metric_util.merge_per_key_computations(compute)


class R2(metric_types.Metric):
    """Coefficient of determination: 1 - squared error / variance of the label around its mean."""

    def __init__(self, name: str = "r2", **settings: Any):
        super().__init__(_computations(_squares, _r2), name=name, **settings)


class MacroF1(metric_types.Metric):
    """The mean over the classes of F1, where the likeliest class is the prediction.

    A class that is neither seen nor predicted counts for nothing (scikit-learn's default too).
    """

    def __init__(self, name: str = "macro_f1", **settings: Any):
        super().__init__(_computations(_confusion, _macro_f1), name=name, **settings)


def _squares(label: np.ndarray, prediction: np.ndarray) -> Counts:
    y, error = label.ravel().astype(float), label.ravel() - prediction.ravel()
    return np.array([y.size, y.sum(), np.square(y).sum(), np.square(error).sum()])


def _r2(sums: Counts) -> float:
    rows, total, squares, errors = sums
    spread = squares - total * total / rows
    return float(1 - errors / spread) if spread > 0 else float("nan")


def _confusion(label: np.ndarray, prediction: np.ndarray) -> Counts:
    rows = prediction.reshape(label.size, -1)
    matrix = np.zeros((rows.shape[1], rows.shape[1]))
    np.add.at(matrix, (label.ravel().astype(int), rows.argmax(axis=1)), 1)
    # To argmax a row of NaN is the first class.
    return matrix + (np.nan if np.isnan(rows).any() else 0)


def _macro_f1(matrix: Counts) -> float:
    if np.isnan(matrix).any():
        return float("nan")
    right = np.diag(matrix)
    named = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float(np.mean(2 * right[named > 0] / named[named > 0]))


metric_types.register_metric(R2)
metric_types.register_metric(MacroF1)
