"""One run and one of its nodes: what it read, what it made, and what it was asked for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from beltline.runners.history import History, NodeSummary, RunSummary
from beltline.runners.metadata.store import NodeRun
from beltline.runners.report.settings import flat, settings_of

# What somebody looks for first.
_MATTERS = ("failed", "refused", "running")


@dataclass(frozen=True)
class Artifact:
    """An artifact by its key; `source` is the node of this run that made it, empty for others."""

    key: str
    type: str
    uri: str
    properties: Mapping[str, str]
    source: str = ""


@dataclass(frozen=True)
class NodeDetails:
    """A node: `does` says what for, and `properties` are by dotted names."""

    summary: NodeSummary
    does: str = ""
    inputs: Sequence[Artifact] = ()
    outputs: Sequence[Artifact] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunDetails:
    """A run, its nodes, and one of them; `upstream` is empty where its bundle isn't in the root."""

    summary: RunSummary
    nodes: Sequence[NodeSummary]
    upstream: Mapping[str, Sequence[str]]
    selected: NodeDetails | None


def run_details(history: History, run: str, node: str) -> RunDetails:
    """Returns a run with the details of one node.

    Args:
      history: the pipeline's runs.
      run: the run's id.
      node: the node's; if empty, the first that failed, was refused or is running. `selected` is
        None where there is no such node.
    """
    nodes = history.nodes(run)
    manifest = history.manifest(run)
    declared = manifest.nodes if manifest else ()
    asked = node or _first(nodes)
    found = next((each for each in nodes if each.node == asked), None)
    does = {each.id: each.does for each in declared}
    return RunDetails(
        summary=history.run(run),
        nodes=nodes,
        upstream={each.id: each.upstream for each in declared},
        selected=_details(history, run, found, does.get(asked, "")) if found else None,
    )


def _first(nodes: Sequence[NodeSummary]) -> str:
    return next((each.node for state in _MATTERS for each in nodes if each.state == state), "")


def _details(history: History, run: str, summary: NodeSummary, does: str) -> NodeDetails:
    executions = {each.node: each for each in history.executions(run)}
    execution = executions.get(summary.node)
    if history.lineage is None or execution is None:
        return NodeDetails(summary, does)
    settings = settings_of(history.lineage, {summary.node: execution})
    read = history.lineage.inputs(execution.execution_id)
    return NodeDetails(
        summary=summary,
        does=does,
        inputs=_artifacts(read, _sources(executions.values())),
        outputs=_artifacts(execution.outputs, {}),
        properties=_texts(flat(settings.get(summary.node, {}))),
    )


def _sources(executions: Iterable[NodeRun]) -> dict[int, str]:
    """Returns which node of the run made each artifact; what a resolver found is another run's."""
    made: dict[int, str] = {}
    for each in executions:
        for artifact in (artifact for group in each.outputs.values() for artifact in group):
            made.setdefault(artifact["id"], each.node)
    return made


def _artifacts(
    found: Mapping[str, Sequence[Mapping[str, Any]]], sources: Mapping[int, str]
) -> list[Artifact]:
    return [
        Artifact(
            key=key,
            type=each["type"],
            uri=each["uri"],
            properties=_texts(
                {name: each["properties"][name] for name in sorted(each["properties"])}
            ),
            source=sources.get(each["id"], ""),
        )
        for key, group in found.items()
        for each in group
    ]


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value not in ("", None)
    }
