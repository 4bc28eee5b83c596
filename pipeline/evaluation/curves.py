"""What curves are drawn from, as plain JSON: whoever draws them needs neither TFMA nor TensorFlow.

    {"buckets": 1000,
     "candidate": {"score_histogram": [[bucket, labels, probabilities, rows], …],
                   "decisions": [true positives, false positives, false and true negatives],
                   "confusion": [[rows, …], …]},
     "baseline": {…},
     "answers": [[label, prediction], …]}

The counts are TFMA's over all rows; of the histogram the buckets that have rows: the first (0) is
below 0, and the last (1001) from 1 on. `answers` are some rows of a regression.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FILE = "curves.json"
_MOST_ANSWERS = 500
_DRAWN = ("decisions", "confusion")


def write(
    folder: Path, counts: Mapping[str, Mapping[str, np.ndarray]], answers: np.ndarray
) -> None:
    """Writes the file.

    Args:
      folder: where TFMA's files are.
      counts: by model, the metrics over all rows that are arrays.
      answers: `[n, 2]` labels and predictions of some rows of a regression.
    """
    drawn = {model: _drawn(found) for model, found in counts.items() if found}
    known = answers[np.isfinite(answers).all(axis=1)][:_MOST_ANSWERS]
    widths = [
        each["score_histogram"].shape[1] for each in counts.values() if "score_histogram" in each
    ]
    made = {"buckets": max(widths, default=2) - 2, **drawn, "answers": known.tolist()}
    (folder / FILE).write_text(json.dumps(made, allow_nan=False), encoding="utf-8")


def _drawn(counts: Mapping[str, np.ndarray]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: counts[name].tolist()
        for name in _DRAWN
        if name in counts and np.isfinite(counts[name]).all() and counts[name].size
    }
    if "score_histogram" in counts:
        histogram = counts["score_histogram"]
        filled = np.flatnonzero(histogram[2])
        found["score_histogram"] = np.column_stack([filled, histogram[:, filled].T]).tolist()
    return found
