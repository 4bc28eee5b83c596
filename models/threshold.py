"""The decision threshold of a binary model.

To choose by cost or by a fixed recall, replace `best_f1`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

Array = npt.NDArray[Any]

RESAMPLES = 100
_LEAST = 1e-7  # a probability from which log-odds can be taken


def best_f1(probabilities: Array, labels: Array) -> tuple[float, float]:
    """Returns a threshold with a high F1 on rows like these.

    The one with the highest F1 on just these rows depends on a handful of positives. So it is
    looked for in resamples of the rows, and the mean of what they say, in log-odds, is taken:
    bagging (Breiman, "Bagging predictors", Machine Learning 1996).

    Args:
      probabilities: `[n]`, of the positive class.
      labels: `[n]`, 1 for positive, at least one of them.

    Returns:
      The threshold (a row at or above it is positive), and its F1 on these rows.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked, positive = probabilities[order].astype("float64"), labels[order] == 1
    # Rows of the same probability are on the same side.
    last = np.append(ranked[1:] < ranked[:-1], True)
    between = ((ranked + np.append(ranked[1:], 0.0)) / 2)[last]
    rng = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        times = rng.poisson(1.0, len(ranked))
        if times @ positive:
            found.append(between[np.argmax(_f1_from_the_top(times, positive)[last])])
    odds = logit(np.clip(found or between[:1], _LEAST, 1 - _LEAST))
    threshold = float(expit(np.mean(odds)))
    said = np.count_nonzero(ranked >= threshold)
    f1 = _f1_from_the_top(np.ones(len(ranked)), positive)
    return threshold, float(f1[said - 1]) if said else 0.0


def _f1_from_the_top(times: Array, positive: Array) -> Array:
    """Returns F1 with the first 1, 2, … rows as positive; `times` is how often each row counts."""
    hits = np.cumsum(times * positive)
    return 2 * hits / np.maximum(np.cumsum(times) + hits[-1], 1)
