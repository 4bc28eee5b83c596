"""Logs a run to an MLflow server, and registers the version that it pushed (`tracking.mlflow`).

To log something else of a run, add it to `_metrics`, `_parameters`, `_tags` or `_files`; what the
server is asked is in `mlflow_server.py`.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from beltline.base.settings.tracking import Tracking
from beltline.runners.metadata.origin import data_of, hyperparameters_of
from beltline.runners.report import build_report
from beltline.runners.report.evaluation import read_evaluation
from beltline.runners.tracking.ended import EndedRun
from beltline.runners.tracking.live import ALIAS
from beltline.runners.tracking.mlflow_server import Metric, Mlflow
from beltline.runners.training_curves import points
from beltline.storage import folders
from beltline.versions.folder import fetch, find

_MODEL = "model"
# What trains, and what its curves' names begin with.
_TRAINING = {"Trainer": "", "Refit": "refit/"}


def track(ended: EndedRun, tracking: Tracking) -> None:
    """Logs the run, and registers the version that it pushed.

    Raises:
      NotTold: the server can't be asked.
    """
    server = Mlflow(str(tracking.mlflow))
    started = min((node.started for node in ended.nodes.values()), default=0.0)
    stopped = max((node.ended for node in ended.nodes.values()), default=0.0)
    # Whoever tells again, as a retried task does, finds the run.
    run = server.run(server.experiment(ended.pipeline), ended.run, _milliseconds(started))
    info = run["info"]
    server.log(run, list(_metrics(ended, stopped)), _parameters(ended))
    server.tag(info["run_id"], _tags(ended))
    status = "FAILED" if ended.result.end == "failed" else "FINISHED"
    server.end(info["run_id"], status, _milliseconds(stopped))
    for name, content in _files(ended):
        server.upload(info["artifact_uri"], name, content)
    if ended.event == "pushed":
        _register(server, ended, info)


def _register(server: Mlflow, ended: EndedRun, info: Mapping[str, Any]) -> None:
    number = ended.described["version"]
    version = find(ended.served, int(number))
    if version is None:
        return
    fetch(ended.served, version)
    for file in sorted(path for path in version.path.rglob("*") if path.is_file()):
        name = f"{_MODEL}/{file.relative_to(version.path).as_posix()}"
        server.upload(info["artifact_uri"], name, file)
    source = f"{info['artifact_uri']}/{_MODEL}"
    registered = server.register(ended.pipeline, source, info["run_id"], number)
    server.alias(ended.pipeline, ALIAS, registered)


def _tags(ended: EndedRun) -> dict[str, str]:
    """Returns the tags; `mlflow.note.content` is what MLflow shows as the run's description."""
    data = data_of(ended.lineage, ended.nodes.get("ExampleGen")) if ended.lineage else {}
    return {
        "mlflow.note.content": ended.text,
        "mlflow.source.name": "beltline",
        "beltline.end": ended.result.end,
        "beltline.node": ended.result.node,
        "beltline.version": ended.described["version"],
        "beltline.bundle": ended.manifest.digest,
        "beltline.code": ended.manifest.code,
        "beltline.data": str(data.get("digest", "")),
    }


def _parameters(ended: EndedRun) -> dict[str, Any]:
    if ended.lineage is None:
        return {}
    sections = hyperparameters_of(ended.lineage, ended.nodes)
    return {
        f"{section}.{name}": value
        for section, values in sections.items()
        for name, value in values.items()
    }


def _metrics(ended: EndedRun, at: float) -> Iterator[Metric]:
    """Yields the metrics over all rows of the eval split, the champion's, and the curves."""
    evaluation, _ = read_evaluation(ended.lineage, ended.nodes)
    for each in evaluation.metrics:
        for name, value in ((each.metric, each.value), (f"champion_{each.metric}", each.champion)):
            if value is not None:
                yield _metric(name, value, at)
    for node, prefix in _TRAINING.items():
        execution = ended.nodes.get(node)
        for artifact in execution.outputs.get("model_run", []) if execution else []:
            for point in points(folders.local(artifact["uri"])):
                # JSON has neither infinity nor NaN.
                if math.isfinite(point.value):
                    yield _metric(f"{prefix}{point.curve}", point.value, point.time, point.step)


def _metric(name: str, value: float, at: float, step: int = 0) -> Metric:
    return {"key": name, "value": value, "timestamp": _milliseconds(at), "step": step}


def _files(ended: EndedRun) -> Iterator[tuple[str, bytes]]:
    # Only the page needs Jinja.
    from beltline.runners.report.page import page

    yield "run.json", json.dumps(ended.as_json(), indent=2, allow_nan=False).encode()
    report = build_report(ended.described, ended.nodes, ended.lineage, ended.served, ended.manifest)
    yield "report.html", page(report).encode()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
