"""What the Evaluator found: the figures against thresholds and champion, slices, columns."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.runners.metadata.store import Lineage, NodeRun, first

EXPLANATION = "explanation"
_FILE = "explanation.json"


@dataclass(frozen=True)
class MetricResult:
    """A metric over all rows of the eval split.

    `champion` is the champion's on the same rows, `difference` how far this one is above it, and
    `bounds` what is asked of it, in words; `missed` whether it does not hold to them.
    """

    metric: str
    value: float | None
    champion: float | None
    difference: float | None
    bounds: list[str]
    missed: bool


@dataclass(frozen=True)
class EvaluationResult:
    """The figures; `importance` and `slices` are the Evaluator's own, see its `explanation.py`.

    `blessed` is None where there is no verdict, `champion` the champion's version where there was
    one to beat.
    """

    blessed: bool | None = None
    champion: str = ""
    metric: str = ""
    lower_is_better: bool = False
    value: float | None = None
    metrics: list[MetricResult] = field(default_factory=list)
    slices: dict[str, Any] = field(default_factory=dict)
    importance: dict[str, Any] = field(default_factory=dict)


def read_evaluation(
    lineage: Lineage | None, nodes: Mapping[str, NodeRun]
) -> tuple[EvaluationResult, dict[str, str]]:
    """Returns what the Evaluator found in a run, and of what is not there why."""
    node = nodes.get("Evaluator")
    made = _artifact(node, "ModelEvaluation")
    if lineage is None or node is None or made is None:
        why = "No model was evaluated in this run."
        return EvaluationResult(), dict.fromkeys(("figures", "slices", "importance"), why)
    blessing = first(node.outputs, "ModelBlessing") or {}
    asked = json.loads(lineage.properties(node.execution_id).get("eval_config") or "{}")
    compared = blessing.get("compared_with_champion")
    told = _explanation(made)
    found = EvaluationResult(
        blessed=bool(blessing["blessed"]) if "blessed" in blessing else None,
        champion=_champion(nodes.get("Champion")) if compared else "",
        metric=told.get("metric", ""),
        lower_is_better=told.get("lower_is_better", False),
        value=told.get("value"),
        metrics=_metrics(made["properties"], _thresholds(asked)),
        slices=told.get("slices") or {},
        importance=told.get("importance") or {},
    )
    return found, _missing(found, told)


def _missing(found: EvaluationResult, told: dict[str, Any]) -> dict[str, str]:
    why = {}
    if not found.metrics:
        why["figures"] = "The figures of this evaluation are not there."
    if not told:
        gone = (
            "Not saved with this evaluation: it was made by an older Beltline, or its files are "
            "gone; beltline run --force Evaluator makes a new one."
        )
        return why | {"slices": gone, "importance": gone}
    if not found.importance:
        why["importance"] = "Turned off by evaluation.importance_rows: 0."
    elif not found.importance["rows"]:
        why["importance"] = "Left out: the model reads too many columns to ask about each."
    elif not found.importance["columns"]:
        why["importance"] = f"{found.metric} can't be told on these rows."
    if not found.slices["worst"]:
        why["slices"] = _why_no_slices(found.slices)
    return why


def _why_no_slices(slices: dict[str, Any]) -> str:
    if slices["too_small"]:
        return f"Every slice has fewer than {slices['least_rows']:,} rows: chance decides there."
    return "There are none: evaluation.slices names the columns that make them."


def _artifact(node: NodeRun | None, kind: str) -> dict[str, Any] | None:
    every = [each for group in node.outputs.values() for each in group] if node else []
    return next((each for each in every if each["type"] == kind), None)


def _explanation(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Returns what the Evaluator wrote down; empty if it did not."""
    text = evaluation["properties"].get(EXPLANATION)
    try:
        text = text or (Path(evaluation["uri"]) / _FILE).read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(json.loads(text))


def _champion(node: NodeRun | None) -> str:
    pushed = (first(node.outputs, "PushedModel") if node else None) or {}
    return str(pushed.get("pushed_version", ""))


def _metrics(
    properties: dict[str, Any], thresholds: dict[str, dict[str, Any]]
) -> list[MetricResult]:
    values = _numbers(properties.get("candidate"))
    before = _numbers(properties.get("baseline"))
    return [
        _metric(name, value, before.get(name), thresholds.get(name, {}))
        for name, value in values.items()
    ]


def _metric(
    name: str, value: float | None, champion: float | None, threshold: dict[str, Any]
) -> MetricResult:
    known = value is not None and champion is not None and name != "rows"
    difference = value - champion if known else None  # type: ignore[operator] # both are known
    held = list(_held(value, difference, threshold, compared=champion is not None))
    return MetricResult(
        metric=name,
        value=value,
        champion=champion,
        difference=difference,
        bounds=[words for words, _ in held],
        missed=not all(holds for _, holds in held),
    )


def _held(
    value: float | None, difference: float | None, threshold: dict[str, Any], *, compared: bool
) -> Iterator[tuple[str, bool]]:
    """Yields each bound in words, and whether it holds; a figure that is not known misses it."""
    bounds = threshold.get("value_threshold", {})
    if "lower_bound" in bounds:
        lower = bounds["lower_bound"]
        yield f"at least {lower:g}", value is not None and value >= lower
    if "upper_bound" in bounds:
        upper = bounds["upper_bound"]
        yield f"at most {upper:g}", value is not None and value <= upper
    change = threshold.get("change_threshold")
    if change and compared:
        margin = change.get("absolute", 0.0)
        less = change.get("direction") == "LOWER_IS_BETTER"
        gain = -math.inf if difference is None else (-difference if less else difference)
        least = -margin if less else margin
        side = "most" if less else "least"
        # Adding zero turns -0 into 0.
        yield f"against the champion at {side} {margin + 0.0:+g}", gain >= least


def _thresholds(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns what TFMA's configuration asks of each metric over all rows, by its name."""
    asked = {}
    for spec in config.get("metrics_specs", []):
        for metric in spec.get("metrics", []):
            for each in metric.get("per_slice_thresholds", []):
                if each.get("slicing_specs") == [{}]:
                    name = json.loads(metric["config"])["name"]
                    asked[name] = each.get("threshold", {})
    return asked


def _numbers(text: str | None) -> dict[str, float | None]:
    found = json.loads(text or "{}")
    # A figure may be no number: JSON has none for that.
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
