"""Metrics on rows whose label has arrived; they are defined as in the evaluation.

`pipeline/evaluation/metrics.py` has the evaluation's. A further metric is a function of the
labelled rows in `_METRICS`, below its task.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn import metrics

from beltline.base.settings.bounds import Bound, Metric
from beltline.serving.monitoring.report import LiveMetric
from beltline.serving.samples.encoding import KEY, PREFIX

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LabelledRows:
    """The rows that have a label: it, and the model's answers, `[n]` or `[n, classes]`.

    `odd` are labels that are no class of the model, or no number; their rows are left out.
    """

    labels: Array
    answers: Mapping[str, Array]
    odd: frozenset[str] = frozenset()

    def answered(self, name: str) -> "LabelledRows":
        """Returns the rows that have an answer: :classify gives no class where it has no threshold.

        Raises:
          KeyError: no row has it.
        """
        there = np.array([each is not None for each in self.answers[name]])
        if there.all():
            return self
        answers = {name: self.answers[name][there]}
        return LabelledRows(self.labels[there], answers, self.odd)


def labelled(
    table: pa.Table, labels: Mapping[str, str], problem: Mapping[str, Any]
) -> LabelledRows:
    """Returns the sampled rows whose key has a label; none where no row has a key."""
    if KEY not in table.column_names:
        return LabelledRows(np.empty(0, object), {})
    keys = [each[0].decode() if each else "" for each in table.column(KEY).to_pylist()]
    found = [labels.get(key) for key in keys]
    odd = {label for label in set(found) if label is not None and not _fits(label, problem)}
    use = [label is not None and label not in odd for label in found]
    rows = table.filter(pa.array(use, pa.bool_()))
    names = [name for name in rows.column_names if name.startswith(PREFIX) and name != KEY]
    return LabelledRows(
        np.array([label for label, used in zip(found, use, strict=True) if used], object),
        {name.removeprefix(PREFIX): _array(rows.column(name)) for name in names},
        frozenset(odd),
    )


def _fits(label: str, problem: Mapping[str, Any]) -> bool:
    if problem.get("task") != "regression":
        return label in problem.get("classes", [])
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def live_metrics(
    rows: LabelledRows, problem: Mapping[str, Any], bounds: Mapping[Metric, Bound]
) -> list[LiveMetric]:
    """Returns the metrics of the version's task.

    A metric that is undefined for these rows, such as the AUC of a single class, is None.
    """
    found = []
    for name, metric in _METRICS.get(problem.get("task", ""), {}).items():
        try:
            value: float | None = float(metric(rows, problem.get("classes") or []))
        except (ValueError, KeyError, IndexError):
            value = None
        bound = bounds.get(name)
        known = value is not None and math.isfinite(value)
        lower, upper = (bound.lower, bound.upper) if bound else (None, None)
        found.append(LiveMetric(name, value if known else None, lower, upper))
    return found


def _array(column: pa.ChunkedArray) -> Array:
    rows = column.to_pylist()
    found = [row for row in rows if row is not None]
    single = all(len(row) == 1 for row in found)
    if len(found) < len(rows):
        array = np.empty(len(rows), object)
        array[:] = [row and (row[0] if single else row) for row in rows]
        return array
    return np.array([row[0] for row in rows] if single else rows)


def _is_positive(rows: LabelledRows, classes: list[str]) -> Array:
    return np.asarray(rows.labels == classes[-1])


def _says_positive(rows: LabelledRows, classes: list[str]) -> Array:
    return np.asarray(_chosen(rows) == classes[-1])


def _chosen(rows: LabelledRows) -> Array:
    return np.array([each.decode() for each in rows.answers["class"]], object)


def _auc(rows: LabelledRows, classes: list[str]) -> float:
    return metrics.roc_auc_score(_is_positive(rows, classes), rows.answers["probability"])


def _pr_auc(rows: LabelledRows, classes: list[str]) -> float:
    yes = _is_positive(rows, classes)
    if not yes.any():
        raise ValueError("no row is positive")
    return metrics.average_precision_score(yes, rows.answers["probability"])


def _f1(rows: LabelledRows, classes: list[str]) -> float:
    rows = rows.answered("class")
    yes, said = _is_positive(rows, classes), _says_positive(rows, classes)
    return metrics.f1_score(yes, said, zero_division=0)


def _accuracy(rows: LabelledRows, classes: list[str]) -> float:
    rows = rows.answered("class")
    return np.mean(rows.labels == _chosen(rows))


def _macro_f1(rows: LabelledRows, classes: list[str]) -> float:
    rows = rows.answered("class")
    return metrics.f1_score(
        rows.labels.tolist(), _chosen(rows).tolist(), average="macro", zero_division=0
    )


def _auc_of_pairs(rows: LabelledRows, classes: list[str]) -> float:
    """Over all pairs of a row and a class, as the evaluation has it."""
    is_class = rows.labels[:, np.newaxis] == np.array(classes, object)
    return metrics.roc_auc_score(is_class.ravel(), rows.answers["probabilities"].ravel())


def _rmse(rows: LabelledRows, _: list[str]) -> float:
    return math.sqrt(metrics.mean_squared_error(*_numbers(rows)))


def _mae(rows: LabelledRows, _: list[str]) -> float:
    return metrics.mean_absolute_error(*_numbers(rows))


def _r2(rows: LabelledRows, _: list[str]) -> float:
    return metrics.r2_score(*_numbers(rows))


def _numbers(rows: LabelledRows) -> tuple[Array, Array]:
    return rows.labels.astype(float), rows.answers["prediction"]


_METRICS: dict[str, dict[Metric, Callable[[LabelledRows, list[str]], float]]] = {
    "binary": {"auc": _auc, "pr_auc": _pr_auc, "f1": _f1, "accuracy": _accuracy},
    "multiclass": {"accuracy": _accuracy, "macro_f1": _macro_f1, "auc": _auc_of_pairs},
    "regression": {"rmse": _rmse, "mae": _mae, "r2": _r2},
}
