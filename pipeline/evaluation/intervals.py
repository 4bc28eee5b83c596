"""How sure a metric is: 95 % intervals, from what the Evaluator has counted.

Rows that are counted in one cell are the same to a metric. So drawing the cells' counts anew, as
often as they may come out otherwise, is the bootstrap of the rows (Poisson's), without the rows.
An interval says how the metric would vary with other rows of the same kind, not with other models.
"""

from collections.abc import Mapping

import numpy as np

Interval = tuple[float, float]
Counts = Mapping[str, np.ndarray]

REPLICATES = 300
_SEED = 7
# Of the normal distribution, 95 % are within so many deviations.
_DEVIATIONS = 1.959964
_ENDS = (2.5, 97.5)


def intervals(metrics: Mapping[str, float], counts: Counts) -> dict[str, Interval]:
    """Returns the intervals of those metrics that the counts tell about.

    Args:
      metrics: the values by name.
      counts: of the same rows, the arrays of `metrics.py`: `score_histogram`, `decisions`,
        `confusion` or `error_sums`.
    """
    found: dict[str, Interval] = {}
    drawn = np.random.default_rng(_SEED)
    if "score_histogram" in counts:
        found |= _of_scores(metrics, counts["score_histogram"], drawn)
    if "decisions" in counts:
        found |= _of_decisions(metrics, counts["decisions"], drawn)
    if counts.get("confusion", np.empty(0)).size:
        found |= _of_confusion(metrics, counts["confusion"], drawn)
    if "error_sums" in counts:
        found |= _of_errors(metrics, counts["error_sums"])
    return {name: ends for name, ends in found.items() if np.isfinite(ends).all()}


def _of_scores(
    metrics: Mapping[str, float], histogram: np.ndarray, drawn: np.random.Generator
) -> dict[str, Interval]:
    yes, scores, rows = histogram[:, histogram[2] > 0]
    no = rows - yes
    if not (yes.sum() and no.sum()):
        return {}
    mean = scores / rows
    # The first replicate is the rows themselves.
    some_yes = np.vstack([yes, drawn.poisson(yes, (REPLICATES, len(yes)))])
    some_no = np.vstack([no, drawn.poisson(no, (REPLICATES, len(no)))])
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            "auc": _roc_auc(some_yes, some_no),
            "pr_auc": _average_precision(some_yes, some_no),
            "calibration": ((some_yes + some_no) @ mean) / some_yes.sum(axis=1),
        }
    most = {"auc": 1.0, "pr_auc": 1.0, "calibration": np.inf}
    return {
        name: _around(metrics[name], values, most[name])
        for name, values in made.items()
        if name in metrics
    }


def _roc_auc(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Returns the share of pairs that are ranked correctly, of buckets in ascending order."""
    above = yes.sum(axis=1, keepdims=True) - yes.cumsum(axis=1)
    pairs = yes.sum(axis=1) * no.sum(axis=1)
    return (no * (above + yes / 2)).sum(axis=1) / pairs


def _average_precision(yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    true, false = (each[:, ::-1].cumsum(axis=1) for each in (yes, no))
    precision = np.nan_to_num(true / (true + false))
    return (yes[:, ::-1] * precision).sum(axis=1) / yes.sum(axis=1)


def _of_decisions(
    metrics: Mapping[str, float], cells: np.ndarray, drawn: np.random.Generator
) -> dict[str, Interval]:
    hits, alarms, misses, rest = np.vstack([cells, drawn.poisson(cells, (REPLICATES, 4))]).T
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            "accuracy": (hits + rest) / (hits + alarms + misses + rest),
            "f1": 2 * hits / (2 * hits + alarms + misses),
        }
    return {
        name: _around(metrics[name], values) for name, values in made.items() if name in metrics
    }


def _of_confusion(
    metrics: Mapping[str, float], matrix: np.ndarray, drawn: np.random.Generator
) -> dict[str, Interval]:
    if np.isnan(matrix).any():
        return {}
    some = np.concatenate([matrix[None], drawn.poisson(matrix, (REPLICATES, *matrix.shape))])
    right = np.diagonal(some, axis1=1, axis2=2)
    named = some.sum(axis=1) + some.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_class = np.where(named > 0, 2 * right / named, np.nan)
        made = {
            "accuracy": right.sum(axis=1) / some.sum(axis=(1, 2)),
            "macro_f1": np.nanmean(of_class, axis=1),
        }
    return {
        name: _around(metrics[name], values) for name, values in made.items() if name in metrics
    }


def _around(value: float, values: np.ndarray, most: float = 1.0) -> Interval:
    """Returns the interval around a metric, from its replicates.

    The first of them is the same rows once more, in coarser buckets: what it is off by, all are.
    """
    known = values[np.isfinite(values)]
    if not np.isfinite(values[0]) or len(known) < len(values) / 2:
        return (np.nan, np.nan)
    low, high = np.percentile(known[1:], _ENDS) + (value - values[0])
    return float(np.clip(low, 0.0, value)), float(np.clip(high, value, most))


def _of_errors(metrics: Mapping[str, float], sums: np.ndarray) -> dict[str, Interval]:
    """Returns intervals by the errors' own spread; that of R² takes the labels as given."""
    rows, total, squares, errors, absolute, fourths = sums
    if rows < 2:
        return {}
    square, mean = errors / rows, absolute / rows
    of_square = _DEVIATIONS * np.sqrt(max(fourths / rows - square**2, 0.0) / rows)
    of_mean = _DEVIATIONS * np.sqrt(max(square - mean**2, 0.0) / rows)
    least, most = max(square - of_square, 0.0), square + of_square
    variance = squares / rows - (total / rows) ** 2
    made = {
        "rmse": (float(np.sqrt(least)), float(np.sqrt(most))),
        "mae": (float(max(mean - of_mean, 0.0)), float(mean + of_mean)),
    }
    if variance > 0:
        made["r2"] = (float(1 - most / variance), float(1 - least / variance))
    return {name: ends for name, ends in made.items() if name in metrics}
