"""From which probability on a binary model says yes.

To choose by cost or by a fixed recall, replace `best_f1`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def best_f1(probabilities: Array, labels: Array) -> tuple[float, float]:
    """The threshold with the highest F1 on these rows.

    Args:
      probabilities: `[n]`, of the positive class.
      labels: `[n]`, 1 for positive, at least one of them.

    Returns:
      The threshold, midway between two of the probabilities (a row at or above it is positive),
      and its F1.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order].astype("float64")
    hits = np.cumsum(labels[order] == 1)
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    # Rows of the same probability are on the same side.
    last = np.append(ranked[1:] < ranked[:-1], True)
    best = int(np.argmax(np.where(last, f1, -1.0)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2), float(f1[best])
