"""The Evaluator's results: metrics against thresholds and the champion, slices, columns."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from beltline.runners.metadata.store import Lineage, NodeRun, first, version_of
from beltline.runners.report.files import json_of
from beltline.storage import folders

EXPLANATION = "explanation"
_FILE = "explanation.json"
_DEPENDENCE = "dependence.json"


@dataclass(frozen=True)
class MetricResult:
    """A metric over all rows of the eval split.

    `champion` is the champion's value on the same rows, and `difference` the value minus that one.
    The intervals are of 95 %; None where the rows can't tell, or the run is of an older Beltline.
    `bounds` are the thresholds in words; `missed` tells whether one of them is missed.
    """

    metric: str
    value: float | None
    champion: float | None
    difference: float | None
    interval: list[float] | None
    champion_interval: list[float] | None
    bounds: list[str]
    missed: bool


@dataclass(frozen=True)
class EvaluationResult:
    """The result of an evaluation; `importance` and `slices` are as in its `explanation.py`.

    `blessed` is None if there is no blessing; `champion` is the version that it was compared with.
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
    """Returns the Evaluator's result in a run, and why sections of it are missing."""
    node = nodes.get("Evaluator")
    evaluation = _artifact(node, "ModelEvaluation")
    if lineage is None or node is None or evaluation is None:
        why = "No model was evaluated in this run."
        return EvaluationResult(), dict.fromkeys(("metrics", "slices", "importance"), why)
    blessing = first(node.outputs, "ModelBlessing") or {}
    asked = json.loads(lineage.properties(node.execution_id).get("eval_config") or "{}")
    compared = blessing.get("compared_with_champion")
    told = _explanation(evaluation)
    found = EvaluationResult(
        blessed=bool(blessing["blessed"]) if "blessed" in blessing else None,
        champion=_champion(nodes.get("Champion")) if compared else "",
        metric=told.get("metric", ""),
        lower_is_better=told.get("lower_is_better", False),
        value=told.get("value"),
        metrics=_metrics(evaluation["properties"], _thresholds(asked), told.get("intervals") or {}),
        slices=told.get("slices") or {},
        importance=told.get("importance") or {},
    )
    return found, _missing(found, told)


def read_dependence(nodes: Mapping[str, NodeRun]) -> dict[str, Any]:
    """Returns the partial dependence as the Evaluator has written it; empty where it hasn't."""
    found = json_of(nodes.get("Evaluator"), "evaluation", _DEPENDENCE)
    return found if isinstance(found, dict) else {}


def _missing(found: EvaluationResult, told: dict[str, Any]) -> dict[str, str]:
    why = {}
    if not found.metrics:
        why["metrics"] = "The metrics of this evaluation are missing."
    if not told:
        gone = (
            "Not saved with this evaluation: it is of an older Beltline, or its files have been "
            "deleted; beltline run --force Evaluator evaluates again."
        )
        return why | {"slices": gone, "importance": gone}
    if not found.importance:
        why["importance"] = "Turned off by evaluation.importance_rows: 0."
    elif not found.importance["rows"]:
        why["importance"] = "Skipped: the model has too many columns."
    elif not found.importance["columns"]:
        why["importance"] = f"{found.metric} is undefined on these rows."
    if not found.slices["worst"]:
        why["slices"] = _why_no_slices(found.slices)
    return why


def _why_no_slices(slices: dict[str, Any]) -> str:
    if slices["too_small"]:
        return f"Every slice has fewer than {slices['least_rows']:,} rows, too few to compare."
    return "None: evaluation.slices sets the columns to slice by."


def _artifact(node: NodeRun | None, kind: str) -> dict[str, Any] | None:
    every = [each for group in node.outputs.values() for each in group] if node else []
    return next((each for each in every if each["type"] == kind), None)


def _explanation(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Returns the Evaluator's explanation; empty if there is none."""
    text = evaluation["properties"].get(EXPLANATION)
    try:
        text = text or (folders.local(evaluation["uri"], _FILE) / _FILE).read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(json.loads(text))


def _champion(node: NodeRun | None) -> str:
    pushed = (first(node.outputs, "PushedModel") if node else None) or {}
    return version_of(pushed)


def _metrics(
    properties: dict[str, Any],
    thresholds: dict[str, dict[str, Any]],
    intervals: dict[str, dict[str, list[float]]],
) -> list[MetricResult]:
    values = _numbers(properties.get("candidate"))
    before = _numbers(properties.get("baseline"))
    of_value, of_champion = (intervals.get(model, {}) for model in ("candidate", "baseline"))
    return [
        _metric(
            name,
            (value, before.get(name)),
            (of_value.get(name), of_champion.get(name)),
            thresholds.get(name, {}),
        )
        for name, value in values.items()
    ]


def _metric(
    name: str,
    values: tuple[float | None, float | None],
    intervals: tuple[list[float] | None, list[float] | None],
    threshold: dict[str, Any],
) -> MetricResult:
    value, champion = values
    known = value is not None and champion is not None and name != "rows"
    difference = value - champion if known else None  # type: ignore[operator] # both are known
    held = list(_held(value, difference, threshold, compared=champion is not None))
    return MetricResult(
        metric=name,
        value=value,
        champion=champion,
        difference=difference,
        interval=intervals[0],
        champion_interval=intervals[1],
        bounds=[words for words, _ in held],
        missed=not all(holds for _, holds in held),
    )


def by_harm(found: EvaluationResult) -> list[dict[str, Any]]:
    """Returns the worst slices with `gap`, to the metric over all rows, and sorted by `harm`.

    The gap is above zero where the slice is worse. Harm is the gap times the slice's share of the
    rows: how much of it weighs on all rows.
    """
    rows = next((each.value for each in found.metrics if each.metric == "rows"), None) or 1.0
    sign = -1 if found.lower_is_better else 1
    told = []
    for each in found.slices.get("worst", []):
        gap = None if found.value is None else sign * (found.value - each["value"])
        told.append({**each, "gap": gap, "harm": (gap or 0.0) * each["rows"] / rows})
    return sorted(told, key=lambda each: -each["harm"])


def _held(
    value: float | None, difference: float | None, threshold: dict[str, Any], *, compared: bool
) -> Iterator[tuple[str, bool]]:
    """Yields each threshold in words, and whether it holds; an unknown value misses it."""
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
    """Returns the thresholds in TFMA's configuration for all rows, by the metric's name."""
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
    # JSON has no NaN.
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
