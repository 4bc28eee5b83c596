"""Sums over many rows at once: a TFMA combiner for arrays."""

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

Counts = np.ndarray
Count = Callable[[np.ndarray, np.ndarray], Counts]
Finalize = Callable[[Counts], Any]


class Sums(beam.CombineFn):
    """Adds up `count(labels [n], predictions [n, k])`, and returns `finalize(sums)`.

    TFMA hands in one row, or all rows of a slice in a batch; either is an array. Without any row
    the result is NaN.

    Args:
      key: of the metric, with its model and output.
      eval_config: TFMA's, which says where labels and predictions are.
      count: what to sum up.
      finalize: computes the metric from the sums.
    """

    def __init__(
        self, key: metric_types.MetricKey, eval_config: Any, count: Count, finalize: Finalize
    ):
        self._key = key
        self._eval_config = eval_config
        self._count = count
        self._finalize = finalize

    def create_accumulator(self) -> Counts:
        """Returns an empty accumulator."""
        return np.zeros(())

    def add_input(self, sums: Counts, rows: metric_types.StandardMetricInputs) -> Counts:
        """Adds rows."""
        for label, prediction, _ in metric_util.to_label_prediction_example_weight(
            rows,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            flatten=False,
            squeeze=False,
        ):
            labels = np.asarray(label).ravel()
            sums = sums + self._count(labels, np.asarray(prediction).reshape(labels.size, -1))
        return sums

    def merge_accumulators(self, several: Iterable[Counts]) -> Counts:
        """Adds sums."""
        return sum(several, start=np.zeros(()))

    def extract_output(self, sums: Counts) -> dict[metric_types.MetricKey, Any]:
        """Returns the metric by its key."""
        return {self._key: self._finalize(sums) if sums.shape else float("nan")}
