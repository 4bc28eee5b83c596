"""Whether a refit is what was judged, by the answers of both to the rows that it was judged by.

The refit has learned from these rows, so that they can't tell how good it is. They tell whether its
training went wrong: the answers of a sound one have come closer to the labels, from where the
judged ones were. The bounds were measured, see docs/gates.md; to add one, add it to `faults`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from beltline.pipeline.settings.evaluation import LOWER_IS_BETTER

MOST_LOSS = 1.1
"""The refit's loss is at most the judged model's times this."""
MOST_ERROR = 1.1
"""The same for each metric; the error of one whose best value is 1 is the rest to 1."""
MOST_DISTANCE = 1.0
"""The mean squared distance of the answers is at most the judged ones' squared error times this: a
refit that knows all labels by heart is at just that distance."""
NEAR = 0.001
"""A loss, an error or a squared distance that is always small enough, of probabilities or of
numbers in units of their variance: of a model that is all but perfect, chance would decide."""
FEW = 2
"""So many rows of the rarest class may always be decided otherwise: of a handful, each is much."""
_LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Answered:
    """What a model has answered to rows.

    `labels` are `[n]`, classes' indices or numbers; `scores` are `[n, 1]`, the positive class'
    probability or the number, or `[n, classes]`. `metrics` are the Evaluator's by name.
    """

    labels: np.ndarray
    scores: np.ndarray
    is_number: bool
    metrics: Mapping[str, float]

    @property
    def truth(self) -> np.ndarray:
        """What the scores would be at best."""
        if self.is_number or self.scores.shape[1] == 1:
            return self.labels[:, None]
        return np.eye(self.scores.shape[1])[self.labels.astype(int)]

    @property
    def unit(self) -> float:
        """The variance of numbers; 1 for probabilities."""
        return (float(self.labels.var()) or 1.0) if self.is_number else 1.0

    @property
    def loss(self) -> float:
        """The squared error of numbers over their variance, else the log loss."""
        if self.is_number:
            return self.distance(self.truth)
        said = 1 - abs(self.truth - self.scores) if self.scores.shape[1] == 1 else self.scores
        of_label = said[:, 0] if said.shape[1] == 1 else (said * self.truth).sum(axis=1)
        return float(-np.log(np.maximum(of_label, _LEAST_PROBABILITY)).mean())

    def error(self, metric: str) -> float:
        """Returns what a metric lacks to its best value."""
        value = self.metrics[metric]
        return value / self.unit**0.5 if metric in LOWER_IS_BETTER else 1 - value

    def most_error(self, metric: str) -> float:
        """Returns the most that a metric of the refit may lack, if this is the judged model."""
        error, some = self.error(metric), 0.0
        if not self.is_number:
            some = FEW / np.unique(self.labels, return_counts=True)[1].min()
        return float(max(MOST_ERROR * error, error + some, NEAR))

    def distance(self, others: np.ndarray) -> float:
        """Returns the mean squared distance of the scores from others of the same rows."""
        return float(((self.scores - others) ** 2).sum(axis=1).mean()) / self.unit


def faults(judged: Answered, refit: Answered) -> list[str]:
    """Returns in words how the refit is not what was judged; nothing if it is.

    Args:
      judged: the answers of the model that was blessed.
      refit: those of the same rows by the refit, which has learned from them.
    """
    name = "squared error" if judged.is_number else "log loss"
    distance, apart = refit.distance(judged.scores), judged.distance(judged.truth)
    # Of what is no number, no comparison holds.
    held = {
        f"{name} {refit.loss:.4g}, of the judged model {judged.loss:.4g}": (
            refit.loss <= max(MOST_LOSS * judged.loss, NEAR)
        ),
        f"squared distance from the judged model's answers {distance:.4g}, and these are "
        f"{apart:.4g} from the labels": distance <= max(MOST_DISTANCE * apart, NEAR),
    }
    for metric, before in judged.metrics.items():
        # Some rows can't tell, as those of a single class no AUC.
        if math.isfinite(before):
            said = f"{metric} {refit.metrics[metric]:.4g}, of the judged model {before:.4g}"
            held[said] = refit.error(metric) <= judged.most_error(metric)
    return [said for said, holds in held.items() if not holds]
