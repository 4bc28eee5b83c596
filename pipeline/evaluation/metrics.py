"""The Evaluator's metrics as TFMA metrics that count many rows at once.

TFMA takes every row apart and counts it in Python; here the rows of a slice stay together as arrays
(see `components/slices.py`). The values are TFMA's own wherever it has the metric; R² and macro-F1
are ours.

To add a metric, write a `count` of labels `[n]` and predictions `[n, k]` that can be summed, and a
class that computes the metric from the sums; `config.py` refers to it by module and class.
"""

from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import (
    calibration_histogram,
    confusion_matrix_metrics,
    metric_types,
    metric_util,
)

from beltline.pipeline.evaluation.counting import Counts, Finalize, Sums

_BUCKETS = calibration_histogram.DEFAULT_NUM_BUCKETS
# So many of them are one bucket of `ScoreHistogram`.
_FINE = 10
_MOST_CLASSES = 50
_NAN = float("nan")


class _Counted(metric_types.Metric):
    """A metric computed from sums over the rows."""

    def __init__(self, name: str, count: Any, finalize: Finalize):
        # TFMA hands in what it finds among the names of the parameters.
        def compute(
            name: str,
            eval_config: Any = None,
            model_name: str = "",
            output_name: str = "",
            example_weighted: bool = False,
        ) -> list[Any]:
            key = metric_types.MetricKey(
                name, model_name, output_name, example_weighted=example_weighted
            )
            combiner = Sums(key, eval_config, count, finalize)
            return [metric_types.MetricComputation([key], None, combiner)]

        super().__init__(metric_util.merge_per_key_computations(compute), name=name)
        self._count, self._finalize = count, finalize

    def of(self, label: np.ndarray, prediction: np.ndarray) -> Any:
        """Returns the metric of labels `[n]` and predictions `[n, k]`."""
        return self._finalize(self._count(label, prediction))


class RowCount(_Counted):
    """How many rows there are."""

    def __init__(self, name: str = "rows"):
        super().__init__(name, _totals, _rows)


class MeanRatio(_Counted):
    """Calibration: the sum of the predictions over that of the labels."""

    def __init__(self, name: str = "calibration"):
        super().__init__(name, _totals, _ratio)


class DecisionF1(_Counted):
    """F1 of yes-or-no predictions."""

    def __init__(self, name: str = "f1"):
        super().__init__(name, _decisions, _f1)


class DecisionAccuracy(_Counted):
    """Accuracy of yes-or-no predictions."""

    def __init__(self, name: str = "accuracy"):
        super().__init__(name, _decisions, _accuracy)


class ClassAccuracy(_Counted):
    """Share of the rows whose likeliest class is the label."""

    def __init__(self, name: str = "accuracy"):
        super().__init__(name, _confusion, _on_diagonal)


class MacroF1(_Counted):
    """The mean over the classes of F1, where the likeliest class is the prediction.

    A class that is neither seen nor predicted counts for nothing (scikit-learn's default too).
    """

    def __init__(self, name: str = "macro_f1"):
        super().__init__(name, _confusion, _macro_f1)


class RootMeanSquare(_Counted):
    """Root of the mean squared error."""

    def __init__(self, name: str = "rmse"):
        super().__init__(name, _errors, _root_mean_square)


class MeanAbsolute(_Counted):
    """Mean absolute error."""

    def __init__(self, name: str = "mae"):
        super().__init__(name, _errors, _mean_absolute)


class R2(_Counted):
    """Coefficient of determination: 1 - squared error / variance of the label around its mean."""

    def __init__(self, name: str = "r2"):
        super().__init__(name, _errors, _r2)


class ScoreHistogram(_Counted):
    """`[3, 1002]`: the labels' sum, the probabilities' sum and the rows by bucket of a probability.

    The curves of a binary model, and how sure its metrics are, come from it. Of the buckets, the
    first has what is below 0 and the last what is 1 or above.
    """

    def __init__(self, name: str = "score_histogram"):
        super().__init__(name, _by_bucket, _coarse)


class Decisions(_Counted):
    """`[4]`: true and false positives, false and true negatives of yes-or-no predictions."""

    def __init__(self, name: str = "decisions"):
        super().__init__(name, _decisions, _in_reading_order)


class Confusion(_Counted):
    """`[classes, classes]`: rows by their label, and by their likeliest class across.

    Without any entry where there are too many classes to look at.
    """

    def __init__(self, name: str = "confusion"):
        super().__init__(name, _confusion, _if_small)


class ErrorSums(_Counted):
    """`[6]`: rows, sums of labels and their squares; of errors squared, absolute, to the fourth."""

    def __init__(self, name: str = "error_sums"):
        super().__init__(name, _powers, np.asarray)


class RocAuc(confusion_matrix_metrics.AUC):
    """TFMA's AUC; of several classes the mean over all pairs of a row and a class."""

    def computations(self, eval_config: Any = None, **arguments: Any) -> list[Any]:
        """Returns what TFMA computes for it."""
        return _of_histogram(super().computations(eval_config, **arguments), eval_config)


class PrAuc(confusion_matrix_metrics.AUCPrecisionRecall):
    """TFMA's area under the curve of precision and recall."""

    def computations(self, eval_config: Any = None, **arguments: Any) -> list[Any]:
        """Returns what TFMA computes for it."""
        return _of_histogram(super().computations(eval_config, **arguments), eval_config)


def _of_histogram(computations: list[Any], eval_config: Any) -> list[Any]:
    """Returns TFMA's computations, with our histogram in place of TFMA's."""
    return [
        metric_types.MetricComputation(
            each.keys, None, Sums(each.keys[0], eval_config, _by_bucket, _histogram)
        )
        if isinstance(each, metric_types.MetricComputation)
        else each
        for each in computations
    ]


# Functions, not lambdas: Beam packs a lambda with all that it finds around it, at some cost.
def _totals(label: np.ndarray, prediction: np.ndarray) -> Counts:
    return np.array([label.size, label.sum(dtype=float), prediction.sum(dtype=float)])


def _rows(sums: Counts) -> float:
    return float(sums[0])


def _ratio(sums: Counts) -> float:
    return _NAN if np.isclose(sums[1], 0.0) else float(sums[2] / sums[1])


def _decisions(label: np.ndarray, prediction: np.ndarray) -> Counts:
    """Returns true and false positives, false and true negatives, in TFMA's order."""
    yes, said = label > 0.5, prediction[:, 0] > 0.5
    return np.array(
        [(yes & said).sum(), (~yes & ~said).sum(), (~yes & said).sum(), (yes & ~said).sum()], float
    )


def _f1(sums: Counts) -> float:
    return float(confusion_matrix_metrics.F1Score().result(*sums))


def _accuracy(sums: Counts) -> float:
    return float(confusion_matrix_metrics.BinaryAccuracy().result(*sums))


def _by_bucket(label: np.ndarray, prediction: np.ndarray) -> Counts:
    """Returns `[3, buckets + 2]`: labels, predictions and rows by bucket of the prediction."""
    if prediction.shape[1] > 1:
        label = np.eye(prediction.shape[1])[label.astype(int)]
    values = prediction.ravel().astype(float)
    if np.isnan(values).any():
        raise ValueError("the model gives a probability that is not a number")
    bucket = np.clip(values * _BUCKETS + 1, 0, _BUCKETS + 1).astype(int)
    weights = (label.ravel().astype(float), values, np.ones_like(values))
    return np.stack([np.bincount(bucket, each, _BUCKETS + 2) for each in weights])


def _histogram(sums: Counts) -> list[calibration_histogram.Bucket]:
    return [
        calibration_histogram.Bucket(int(bucket), *map(float, sums[:, bucket]))
        for bucket in np.flatnonzero(sums[2])
    ]


def _errors(label: np.ndarray, prediction: np.ndarray) -> Counts:
    y = label.astype(float)
    error = y - prediction[:, 0]
    return np.array(
        [y.size, y.sum(), np.square(y).sum(), np.square(error).sum(), np.abs(error).sum()]
    )


def _powers(label: np.ndarray, prediction: np.ndarray) -> Counts:
    error = label.astype(float) - prediction[:, 0]
    return np.append(_errors(label, prediction), (error**4).sum())


def _coarse(sums: Counts) -> Counts:
    """Returns a tenth of the buckets; those below 0 and from 1 on stay apart."""
    inner = sums[:, 1:-1].reshape(len(sums), -1, _FINE).sum(axis=2)
    return np.concatenate([sums[:, :1], inner, sums[:, -1:]], axis=1)


def _in_reading_order(sums: Counts) -> Counts:
    true_positives, true_negatives, false_positives, false_negatives = sums
    return np.array([true_positives, false_positives, false_negatives, true_negatives])


def _if_small(matrix: Counts) -> Counts:
    return matrix if len(matrix) <= _MOST_CLASSES else np.empty((0, 0))


def _root_mean_square(sums: Counts) -> float:
    return float(np.sqrt(sums[3] / sums[0]))


def _mean_absolute(sums: Counts) -> float:
    return float(sums[4] / sums[0])


def _r2(sums: Counts) -> float:
    rows, total, squares, errors = sums[:4]
    spread = squares - total * total / rows
    return float(1 - errors / spread) if spread > 0 else _NAN


def _confusion(label: np.ndarray, prediction: np.ndarray) -> Counts:
    classes = prediction.shape[1]
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (label.astype(int), prediction.argmax(axis=1)), 1)
    # To argmax a row of NaN is the first class.
    return matrix + (np.nan if np.isnan(prediction).any() else 0)


def _on_diagonal(matrix: Counts) -> float:
    return float(np.trace(matrix) / matrix.sum())


def _macro_f1(matrix: Counts) -> float:
    if np.isnan(matrix).any():
        return _NAN
    right = np.diag(matrix)
    named = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float(np.mean(2 * right[named > 0] / named[named > 0]))


for _metric in (
    *(RowCount, MeanRatio, DecisionF1, DecisionAccuracy, ClassAccuracy, MacroF1),
    *(RootMeanSquare, MeanAbsolute, R2, RocAuc, PrAuc),
    *(ScoreHistogram, Decisions, Confusion, ErrorSums),
):
    metric_types.register_metric(_metric)
