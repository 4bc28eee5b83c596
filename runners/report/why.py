"""Why a run ended as it did, and what to do about it, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from beltline.runners.report.evaluation import EvaluationResult, MetricResult


def why(
    run: Mapping[str, Any],
    nodes: list[dict[str, Any]],
    evaluation: EvaluationResult,
    anomalies: list[dict[str, Any]],
) -> list[str]:
    """Returns sentences about a run that failed or was refused; none of one that is done.

    Args:
      run: the run, as `beltline runs RUN --json` prints it.
      nodes: its nodes.
      evaluation: the Evaluator's result.
      anomalies: what ExampleValidator found.
    """
    refused = {node["node"] for node in nodes if node["state"] == "refused"}
    failed = [node["node"] for node in nodes if node["state"] == "failed"]
    told: list[str] = []
    if "DataGate" in refused:
        told += _of_data(anomalies)
    if "Evaluator" in refused:
        told += _of_metrics(evaluation)
    if "ServingCheck" in refused:
        told.append(
            "The exported model, loaded on its own, doesn't answer rows as it should, so it would "
            "not answer requests either; its metrics don't matter then."
        )
    # Where a gate refused, the run itself has stopped what was still running.
    if not refused:
        told += [f"beltline logs {run['run']} {node} prints the log of {node}." for node in failed]
    return told


def _of_data(anomalies: list[dict[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(each["column"] for each in anomalies if each["blocks"]))
    if columns:
        some = ", ".join(columns[:5]) + (f" and {len(columns) - 5} more" if columns[5:] else "")
        yield f"The data differ from the schema in {some}; no model was trained on them."
        yield "Fix the data if they are wrong, or the schema if it is too narrow, and run again."


def _of_metrics(evaluation: EvaluationResult) -> Iterator[str]:
    for metric in evaluation.metrics:
        if metric.missed:
            yield _missed(metric)
    if not any(metric.missed for metric in evaluation.metrics):
        yield "All rows together reach the thresholds; a slice does not."


def _missed(metric: MetricResult) -> str:
    if metric.value is None:
        return f"{metric.metric} is undefined on these rows, so it can't reach a threshold."
    told = f"{metric.metric} is {metric.value:.4f} and must be {' and '.join(metric.bounds)}"
    if metric.champion is not None:
        told += f"; the champion reaches {metric.champion:.4f} on the same rows"
    if metric.interval:
        low, high = metric.interval
        told += f". With other rows of the same kind it would be {low:.4f} to {high:.4f}"
    return f"{told}."
