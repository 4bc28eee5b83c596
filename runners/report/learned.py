"""What the Trainer and the Tuner learned: the learners' weights, the trials, the curves."""

import json
from pathlib import Path
from typing import Any

from beltline.runners.metadata.store import NodeRun
from beltline.storage import folders
from beltline.versions.folder import LEARNERS

_MOST_TRIALS = 200
# The key of a trial's values.
_VALUES = "hyperparameters"


def training_curves(node: NodeRun | None) -> list[dict[str, Any]]:
    """Returns the curves of the Trainer's learners, as `curves_in` has them."""
    runs = node.outputs.get("model_run", []) if node else []
    if not runs:
        return []
    # Only a run that trained needs TensorBoard's reader.
    from beltline.runners.report.training import curves_in

    return [curve for run in runs for curve in curves_in(folders.local(run["uri"]))]


def learners(node: NodeRun | None) -> list[dict[str, Any]]:
    """Returns weight and loss of each learner in the Trainer's model, where there are several."""
    models = node.outputs.get("model", []) if node else []
    name = f"Format-Serving/{LEARNERS}"
    files = [folders.local(model["uri"], name) / name for model in models]
    return [
        each
        for file in files
        if file.exists()
        for each in json.loads(file.read_text(encoding="utf-8"))
    ]


def trials(node: NodeRun | None) -> list[dict[str, Any]]:
    """Returns the Tuner's trials, each with its values and its score.

    The best is first, then the untuned one, as the page shows only the first of many trials.
    """
    made = [each for group in node.outputs.values() for each in group] if node else []
    for artifact in (each for each in made if each["type"] == "TunerResults"):
        for file in sorted(folders.local(artifact["uri"]).glob("*.json")):
            found = _list_in(file)
            if found:
                found.sort(key=lambda each: (not each.get("best"), not each.get("untuned")))
                return [_flat(each) for each in found[:_MOST_TRIALS]]
    return []


def _flat(trial: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in trial.items() if k != _VALUES} | trial.get(_VALUES, {})


def _list_in(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
