"""The sections of a report, from ML Metadata and the nodes' artifacts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from beltline.bundle.manifest import Manifest
from beltline.runners.history import History, described
from beltline.runners.metadata.origin import data_of, hyperparameters_of, schema_of
from beltline.runners.metadata.store import Lineage, NodeRun, first
from beltline.runners.node.outcome import WAITING
from beltline.runners.report.curves import read_curves
from beltline.runners.report.data import Columns, columns
from beltline.runners.report.evaluation import EvaluationResult, read_dependence, read_evaluation
from beltline.runners.report.learned import learners, training_curves, trials
from beltline.runners.report.settings import origin_of, settings_of
from beltline.runners.report.transformed import transformed
from beltline.runners.report.why import why
from beltline.storage import folders
from beltline.versions.folder import find, waiting
from beltline.versions.live import live
from beltline.versions.store import Place

_LEFT_OUT = ("dropped", "rejected", "gap")
_MOST_REJECTS = 5


@dataclass(frozen=True)
class RunReport:
    """A report about a run. `missing` says why a section is empty, by the section's name.

    `run` and `nodes` are those of `beltline runs RUN --json`. `data` has `rows` by split,
    `left_out` by reason, and some of the `rejects`; `columns` are the statistics of its columns.
    `learners` have weight and loss, where there are several, and `training` the curves of each.
    `trials` are the Tuner's, best first. `why` says in sentences why a run was refused or failed;
    `curves` are those of the model on the eval split. `settings` are each node's, and `origin` the
    digests of what the run was made from; `waiting` is its version while that waits for approval.
    `upstream` has the nodes that each node waits for; it is empty where the bundle isn't in the
    root. `transform` is what Transform made of the columns, `dependence` the partial dependence
    on some.
    """

    pipeline: str
    run: dict[str, Any]
    nodes: list[dict[str, Any]]
    data: dict[str, Any]
    columns: Columns
    evaluation: EvaluationResult
    hyperparameters: dict[str, dict[str, Any]]
    learners: list[dict[str, Any]]
    training: list[dict[str, Any]]
    trials: list[dict[str, Any]]
    version: dict[str, Any]
    waiting: str = ""
    why: list[str] = field(default_factory=list)
    curves: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    upstream: dict[str, tuple[str, ...]] = field(default_factory=dict)
    transform: dict[str, Any] = field(default_factory=dict)
    dependence: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns the object of `--json`; `judgement` and `figures` are deprecated aliases."""
        plain = asdict(self)
        evaluation = plain["evaluation"]
        old = {key: value for key, value in evaluation.items() if key != "metrics"}
        return {**plain, "judgement": {**old, "figures": evaluation["metrics"]}}


def report_of(history: History, run: str, served: Place) -> RunReport:
    """Returns the report about a run of a history.

    Args:
      history: the pipeline's runs.
      run: the run's id.
      served: the folder of the pipeline's versions.
    """
    nodes = {each.node: each for each in history.executions(run)}
    return build_report(
        described(history, run), nodes, history.lineage, served, history.manifest(run)
    )


def build_report(
    described: Mapping[str, Any],
    nodes: Mapping[str, NodeRun],
    lineage: Lineage | None,
    served: Place,
    manifest: Manifest | None,
) -> RunReport:
    """Returns the report about a run.

    Args:
      described: the run and its nodes as `beltline runs RUN --json` prints them.
      nodes: the last execution of each node.
      lineage: ML Metadata; None where there is none yet.
      served: the folder of the pipeline's versions.
      manifest: the manifest of the run's bundle; None where it isn't in the root.
    """
    states = {node["node"]: node["state"] for node in described["nodes"]}
    data = _data(lineage, nodes.get("ExampleGen")) if lineage else {}
    evaluated, missing = read_evaluation(lineage, nodes)
    learned = hyperparameters_of(lineage, nodes) if lineage else {}
    version = _version(served, described["version"])
    found = columns(lineage, nodes, served, described["version"]) if lineage else Columns()
    schema = schema_of(lineage, nodes.get("Schema")) if lineage else {}
    settings = settings_of(lineage, nodes) if lineage else {}
    made = transformed(lineage, nodes) if lineage else {}
    missing |= _empty(
        states,
        data=("ExampleGen", data),
        columns=("StatisticsGen", found.columns),
        transform=("Transform", made),
        hyperparameters=("Trainer", learned),
        version=("Pusher", version),
    )
    return RunReport(
        pipeline=served.name,
        run={name: value for name, value in described.items() if name != "nodes"},
        nodes=described["nodes"],
        data=data,
        columns=found,
        evaluation=evaluated,
        hyperparameters=learned,
        learners=learners(nodes.get("Trainer")),
        training=training_curves(nodes.get("Trainer")),
        trials=trials(nodes.get("Tuner")),
        version=version,
        waiting=_waiting(served, nodes.get("Pusher")),
        why=why(described, described["nodes"], evaluated, found.anomalies),
        curves=read_curves(lineage, nodes),
        settings=settings,
        origin=origin_of(manifest, data.get("digest", ""), schema.get("digest", "")),
        upstream={node.id: node.upstream for node in manifest.nodes} if manifest else {},
        transform=made,
        dependence=read_dependence(nodes),
        missing=missing,
    )


def _empty(states: Mapping[str, str], **sections: tuple[str, Any]) -> dict[str, str]:
    """Returns the reason of each section without content: the state of the node it comes from."""
    return {
        name: f"Nothing to show: {node} {_said(states.get(node, 'not run'))}."
        for name, (node, content) in sections.items()
        if not content
    }


def _said(state: str) -> str:
    return {
        "not run": "did not run",
        "running": "is still running",
        "done": "left nothing",
        "cached": "left nothing",
        "stopped": "was stopped",
        "skipped": "was skipped",
    }.get(state, state)


def _data(lineage: Lineage, node: NodeRun | None) -> dict[str, Any]:
    found = data_of(lineage, node)
    # Without rows, the node has not finished.
    if node is None or not found["rows"]:
        return {}
    rows = found.pop("rows")
    return {
        **found,
        "rows": {name: number for name, number in rows.items() if name not in _LEFT_OUT},
        "left_out": {name: rows[name] for name in _LEFT_OUT if rows.get(name)},
        "rejects": _rejects(node),
    }


def _rejects(node: NodeRun) -> list[dict[str, Any]]:
    """Returns some of the rows that could not be read, without their text, which may be secret."""
    files = [
        file
        for artifact in node.outputs.get("examples", [])
        for file in sorted(folders.local(artifact["uri"], "rejects/*").glob("rejects/*.jsonl"))
    ]
    lines = [line for file in files[:1] for line in _first_lines(file)]
    wanted = ("file", "line", "column", "reason")
    return [{name: each.get(name) for name in wanted} for each in map(json.loads, lines)]


def _first_lines(file: Path) -> list[str]:
    with file.open(encoding="utf-8") as lines:
        return [line for line, _ in zip(lines, range(_MOST_REJECTS), strict=False)]


def _waiting(served: Place, pusher: NodeRun | None) -> str:
    """Returns the run's version if it waits for approval; empty otherwise."""
    held = ((first(pusher.outputs, "PushedModel") if pusher else None) or {}).get(WAITING)
    found = waiting(served) if held else None
    return str(held) if found and str(found.number) == held else ""


def _version(served: Place, number: str) -> dict[str, Any]:
    """Returns the version that the run pushed; only its number if it no longer exists."""
    if not number.isdecimal():
        return {}
    found = find(served, int(number))
    if found is None:
        return {"version": int(number), "kept": False}
    return {
        "version": found.number,
        "kept": True,
        "live": live(served) == found.number,
        "first": found.first,
        "refit": found.refit,
        "pushed_at": found.pushed,
        "digests": found.digests,
        "problem": found.problem,
    }
