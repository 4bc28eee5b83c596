"""The training curves of each learner, from what the Trainer logged for TensorBoard."""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from beltline.runners.training_curves import points

SPLITS = ("train", "validation")
_TAG = "loss"
_MOST_POINTS = 400


def curves_in(folder: Path) -> list[dict[str, Any]]:
    """Returns the curves in a ModelRun artifact.

    Each has `learner` (empty for a model of one), and by split `[step, loss]` points: four hundred
    at most, evenly taken from a longer one, with its last.
    """
    # A training that was resumed writes its points again, in another file.
    by_curve: dict[str, dict[int, float]] = defaultdict(dict)
    for point in points(folder):
        by_curve[point.curve][point.step] = point.value
    found = []
    for train in sorted(name for name in by_curve if name.endswith(_of(SPLITS[0]))):
        learner = train.removesuffix(_of(SPLITS[0])).rstrip("/")
        curves = {split: _few(by_curve.get(_of(split, learner), {})) for split in SPLITS}
        found.append({"learner": learner, **curves})
    return found


def _of(split: str, learner: str = "") -> str:
    """Returns the name of a curve, or its end."""
    return f"{learner}/{split}/{_TAG}" if learner else f"{split}/{_TAG}"


def _few(by_step: dict[int, float]) -> list[list[float]]:
    known = [[step, loss] for step, loss in sorted(by_step.items()) if math.isfinite(loss)]
    every = -(-len(known) // _MOST_POINTS) or 1
    # From the end, so that the last is one of them.
    return known[::-1][::every][::-1]
