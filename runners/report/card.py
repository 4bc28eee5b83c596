"""The model card of the version that a run pushed, for those who were not there.

Its fields are those of "Model Cards for Model Reporting" (Mitchell et al., 2019), filled with what
the report has. What only people know, such as whom a model may harm, is null: a card must not
sound as if somebody had thought of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from beltline.base.errors import WrongInput
from beltline.runners.report.content import RunReport
from beltline.runners.report.evaluation import by_harm

_OF_VERSION = ("version", "pushed_at", "refit", "digests")


def model_card(report: RunReport) -> dict[str, Any]:
    """Returns the model card of the version that a run pushed, as plain values.

    Raises:
      WrongInput: the run pushed no version, or its files are gone.
    """
    version = report.version
    if not version.get("kept"):
        what = f"version {version['version']} is no longer kept" if version else "pushed no version"
        raise WrongInput(f"run {report.run['run']}: {what}, so there is no model to describe")
    return card_of(report, version)


def card_of(report: RunReport, version: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the model card of a version.

    Args:
      report: about the run that made it.
      version: as the report has it of a version that is kept; without `version` and `pushed_at`
        before the push.
    """
    problem = version["problem"]
    return {
        "model_details": {
            "name": report.pipeline,
            **{name: version[name] for name in _OF_VERSION if name in version},
            "run": report.run["run"],
            "task": problem.get("task"),
            "label": problem.get("label"),
            "classes": problem.get("classes") or [],
            "learners": report.learners,
            "hyperparameters": report.hyperparameters,
            "made_from": report.origin,
        },
        "intended_use": {
            "predicts": problem.get("label"),
            "from_columns": problem.get("columns") or {},
            "primary_users": None,
            "out_of_scope": list(_out_of_scope(report)),
        },
        "factors": {"sliced_by": _sliced_by(report), "not_evaluated": None},
        "metrics": {
            "deciding": report.evaluation.metric,
            "thresholds": {
                each.metric: each.bounds for each in report.evaluation.metrics if each.bounds
            },
            "decision_threshold": report.curves.get("threshold"),
            "variation": "95 % intervals for other rows of the same kind",
        },
        "evaluation_data": _data(report, "eval"),
        "training_data": _data(report, "train") | {"anomalies": report.columns.anomalies},
        "quantitative_analyses": {
            "overall": {
                each.metric: {"value": each.value, "interval": each.interval}
                for each in report.evaluation.metrics
            },
            "by_slice": by_harm(report.evaluation),
            "importance": report.evaluation.importance.get("columns", []),
        },
        "ethical_considerations": None,
        "caveats_and_recommendations": list(_caveats(report, version["refit"])),
    }


def _data(report: RunReport, split: str) -> dict[str, Any]:
    source: dict[str, Any] = {
        name: report.data[name]
        for name in ("path", "query", "span", "digest")
        if name in report.data
    }
    columns = {
        column["column"]: {"type": column["type"], **column["of"][split]}
        for column in report.columns.columns
        if split in column["of"]
    }
    return {**source, "rows": report.data.get("rows", {}).get(split), "columns": columns}


def _sliced_by(report: RunReport) -> list[str]:
    names = (each["slice"].partition("=")[0] for each in report.evaluation.slices.get("worst", []))
    return list(dict.fromkeys(names))


def _out_of_scope(report: RunReport) -> Iterator[str]:
    for column in report.columns.columns:
        found = column["of"].get("train", {})
        if not column["is_label"] and found.get("least") is not None:
            least, greatest = found["least"], found["greatest"]
            yield f"{column['column']} below {least:.6g} or above {greatest:.6g}: never trained on"


def _caveats(report: RunReport, refit: bool) -> Iterator[str]:
    slices = report.evaluation.slices
    if slices.get("too_small"):
        yield (
            f"Slices with fewer than {slices['least_rows']:,} rows: {slices['too_small']:,}. "
            "Nobody knows how good the model is there."
        )
    worst = [each for each in by_harm(report.evaluation) if each["harm"] > 0][:1]
    for each in worst:
        yield (
            f"Most harm is in {each['slice']}: {report.evaluation.metric} {each['value']:.4f} on "
            f"{each['rows']:,} rows."
        )
    if refit:
        yield (
            "It is a refit: the metrics are those of the model that the gates judged; this one was "
            "trained after it in the same way, on the rows of all splits."
        )
