"""The curves of a model on the eval split: ROC, precision and recall, calibration, confusion.

They are computed from what TFMA has counted over all rows, in `curves.json` beside its files; the
decisions are those that the model made with its own threshold.
"""

import json
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.report.files import json_of
from beltline.versions.folder import THRESHOLD

MODELS = ("candidate", "baseline")
_FILE = "curves.json"
_GROUPS = 10


def read_curves(lineage: Lineage | None, nodes: Mapping[str, NodeRun]) -> dict[str, Any]:
    """Returns the curves of a run's model; empty where there are none.

    Of a binary model, `candidate` and `baseline` (the champion, if there was one) have `roc`
    (`[false positive rate, true positive rate]` points), `precision_recall` (`[recall,
    precision]`), `calibration` (`[mean probability, share of positives, rows]` of ten groups of
    rows), and `decisions` (true and false positives, false and true negatives); `threshold` is the
    probability from which on it says yes. Of several classes, they have the `confusion` matrix:
    rows by label, and by the likeliest class across. Of a regression, `answers` are `[label,
    prediction]` of some rows. `classes` are the label's.
    """
    evaluator, trainer = nodes.get("Evaluator"), nodes.get("Trainer")
    counted = json_of(evaluator, "evaluation", _FILE) or {}
    found = {model: _curves(counted[model]) for model in MODELS if model in counted}
    answers = counted.get("answers", [])
    if not answers and not any(found.values()):
        return {}
    return {
        **found,
        "answers": answers,
        "threshold": _threshold(trainer),
        "classes": _classes(lineage, trainer),
    }


def _threshold(trainer: NodeRun | None) -> float | None:
    found = json_of(trainer, "model", f"Format-Serving/{THRESHOLD}")
    return float(found) if isinstance(found, int | float) else None


def _classes(lineage: Lineage | None, trainer: NodeRun | None) -> list[str]:
    if lineage is None or trainer is None:
        return []
    given = json.loads(lineage.properties(trainer.execution_id).get("custom_config") or "{}")
    return [str(each) for each in given.get("features", {}).get("classes", [])]


def _curves(counts: Mapping[str, Any]) -> dict[str, Any]:
    histogram = counts.get("score_histogram", [])
    yes, rows = (sum(each[place] for each in histogram) for place in (1, 3))
    kept = {name: counts[name] for name in ("decisions", "confusion") if name in counts}
    if not 0 < yes < rows:
        return kept
    # From the highest probability down, as a threshold that is lowered takes in more and more.
    steps = [(each[1], each[3] - each[1]) for each in reversed(histogram)]
    true, false = (list(accumulate(each)) for each in zip(*steps, strict=True))
    return {
        "roc": [[0.0, 0.0]]
        + [[n / (rows - yes), p / yes] for p, n in zip(true, false, strict=True)],
        "precision_recall": [[p / yes, p / (p + n)] for p, n in zip(true, false, strict=True)],
        "calibration": _calibration(histogram, rows),
        **kept,
    }


def _calibration(histogram: list[list[float]], rows: float) -> list[list[float]]:
    """Returns groups of about as many rows each; a bucket is never divided."""
    groups, group = [], [0.0, 0.0, 0.0]
    for bucket in histogram:
        group = [a + b for a, b in zip(group, bucket[1:], strict=True)]
        if group[2] >= rows / _GROUPS:
            groups.append(group)
            group = [0.0, 0.0, 0.0]
    if group[2]:
        groups.append(group)
    return [[scores / count, labels / count, count] for labels, scores, count in groups]
