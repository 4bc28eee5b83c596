"""Scores that others published for tables of the benchmark, as a check of the whole scale.

They come from ten folds of nearly the same rows, so they are not of the same splits: the comparison
is in standard deviations of ours over the splits. `tenths.py` leaves out as many rows as they do.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.pages import table
from benchmarks.quality.comparison import LESS_IS_BETTER
from benchmarks.quality.scores import Metrics

SOURCE = (
    "AutoGluon's published scores in ten folds with five minutes of training each, and CatBoost's "
    "beside them"
)
SHARE = 0.5
"""Of the sets, how many must be within a standard deviation of AutoGluon's score."""


@dataclass(frozen=True)
class Published:
    """One set's metric."""

    metric: str
    catboost: float
    autogluon: float


PUBLISHED = {
    "churn": Published("auc", 0.928, 0.931),
    "german": Published("auc", 0.785, 0.803),
    "phoneme": Published("auc", 0.957, 0.971),
    "segment": Published("log loss", 0.065, 0.054),
    "vehicle": Published("log loss", 0.492, 0.287),
    "diamonds": Published("rmse", 522, 510),
    "boston": Published("rmse", 2.88, 2.82),
}


def published(found: Mapping[str, Sequence[Metrics]]) -> list[str]:
    """Returns the table and its verdict; nothing where no set has two splits or more."""
    known = {name: runs for name, runs in found.items() if name in PUBLISHED and len(runs) > 1}
    if not known:
        return []
    near = [name for name, runs in known.items() if is_near(PUBLISHED[name], runs)]
    met = "met" if len(near) >= SHARE * len(known) else "missed"
    return [
        f"Beside published scores ({SOURCE}):",
        table(
            ["set", "metric", "Beltline", "± over splits", "CatBoost", "AutoGluon", "within 1 sd"],
            [_line(name, runs, name in near) for name, runs in known.items()],
        ),
        f"Within one standard deviation of AutoGluon's, or better: {len(near)} of {len(known)} "
        f"(target: at least half, {met}).",
    ]


def is_near(score: Published, runs: Sequence[Metrics]) -> bool:
    """Returns whether the mean is at most one standard deviation worse than AutoGluon's score."""
    mean, spread = _mean_and_spread(score.metric, runs)
    worse = mean - score.autogluon if score.metric in LESS_IS_BETTER else score.autogluon - mean
    return worse <= spread


def _mean_and_spread(metric: str, runs: Sequence[Metrics]) -> tuple[float, float]:
    each = [run[metric] for run in runs]
    return statistics.mean(each), statistics.stdev(each)


def _line(name: str, runs: Sequence[Metrics], near: bool) -> list[str]:
    score = PUBLISHED[name]
    mean, spread = _mean_and_spread(score.metric, runs)
    ours, about = f"{mean:.4g}", f"{spread:.2g}"
    others = [f"{score.catboost:g}", f"{score.autogluon:g}"]
    return [name, score.metric, ours, about, *others, "yes" if near else "no"]
