"""By how much a model is better than the best of its peers, and how sure that is."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from benchmarks.quality.score_files import Pair

LESS_IS_BETTER = ("log loss", "rmse", "ece")
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A metric of one set, in the mean of its splits."""

    metric: str
    ours: float
    peer: str
    """The one that is best in the mean: chosen on the eval rows, so in its favour."""
    theirs: float
    better: tuple[float, ...]
    """By how much the model is better than this peer in each split; less than 0 where worse."""
    spread: float | None
    """The peer's standard deviation over the splits; None with one split."""

    @property
    def mean(self) -> float:
        """By how much the model is better."""
        return statistics.mean(self.better)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The mean's 95 % interval by Student's t; None with one split."""
        count = len(self.better)
        if count < 2:
            return None
        quantile = float(stats.t.ppf((1 + _CONFIDENCE) / 2, count - 1))
        half = quantile * statistics.stdev(self.better) / math.sqrt(count)
        return self.mean - half, self.mean + half

    @property
    def deviations(self) -> float | None:
        """The mean in standard deviations over the splits; None where they don't differ."""
        return self.mean / self.spread if self.spread else None


def difference(pairs: Sequence[Pair], metric: str) -> Difference:
    """Compares a metric with that of the peer that is best by it.

    Args:
      pairs: the splits of one set.
      metric: a name that all of them have.
    """
    sign = -1 if metric in LESS_IS_BETTER else 1
    means = {
        peer: statistics.mean(pair.peers[peer][metric] for pair in pairs) for peer in pairs[0].peers
    }
    best = max(means, key=lambda peer: sign * means[peer])
    theirs = [pair.peers[best][metric] for pair in pairs]
    ours = [pair.ours[metric] for pair in pairs]
    return Difference(
        metric=metric,
        ours=statistics.mean(ours),
        peer=best,
        theirs=means[best],
        better=tuple(sign * (own - other) for own, other in zip(ours, theirs, strict=True)),
        spread=statistics.stdev(theirs) if len(theirs) > 1 else None,
    )


def loss_of(pair: Pair) -> str:
    """Returns the name of the loss: the other metric of every set."""
    return "rmse" if pair.task == "regression" else "log loss"


def deciding(pair: Pair) -> str:
    """Returns the name of the metric that sides are compared by; more is better."""
    return "r2" if pair.task == "regression" else "auc"
