"""The graph of a run as ML Metadata has it, in a form that two databases can be compared by."""

import json
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.store import Lineage, NodeRun

Edge = tuple[str, str, str, str]

_INPUTS = (pb.Event.INPUT, pb.Event.INTERNAL_INPUT)


@dataclass(frozen=True)
class Graph:
    """A run's nodes with how they ended, and what flows between them.

    An edge is the producing node, its output's key, the artifact's type, and the node that reads
    it. `verdicts` are the gates' decisions with their reasons, `figures` the Evaluator's.
    """

    states: dict[str, str]
    outputs: dict[str, dict[str, list[str]]]
    edges: set[Edge]
    verdicts: dict[str, Any]
    figures: dict[str, float]


def graph(url: str, run: str, pipeline: str = "casting") -> Graph:
    """Reads the graph of a run; of a node that was tried several times, the last attempt."""
    lineage = Lineage(url, pipeline)
    nodes = {each.node: each for each in lineage.nodes(run)}
    return Graph(
        states={node: each.state for node, each in nodes.items()},
        outputs={node: _types(each) for node, each in nodes.items()},
        edges={edge for each in nodes.values() for edge in _edges(lineage, each, nodes)},
        verdicts={node: _verdict(each) for node, each in nodes.items() if _verdict(each)},
        figures=_figures(nodes["Evaluator"]) if "Evaluator" in nodes else {},
    )


def _types(node: NodeRun) -> dict[str, list[str]]:
    return {key: [each["type"] for each in group] for key, group in node.outputs.items()}


def _edges(lineage: Lineage, reader: NodeRun, nodes: dict[str, NodeRun]) -> list[Edge]:
    made = {
        artifact["id"]: (node, key, artifact["type"])
        for node, each in nodes.items()
        # What a Resolver finds was made by another node, perhaps of another run.
        if node != "Champion"
        for key, group in each.outputs.items()
        for artifact in group
    }
    events = lineage.store.get_events_by_execution_ids([reader.execution_id])
    read = {event.artifact_id for event in events if event.type in _INPUTS}
    return [(*made[artifact], reader.node) for artifact in read if artifact in made]


def _verdict(node: NodeRun) -> dict[str, Any]:
    named = ("blessed", "pushed", "reason", "anomalies", "rows_train", "rows_eval")
    every = [artifact["properties"] for group in node.outputs.values() for artifact in group]
    said = {name: values[name] for values in every for name in named if name in values}
    # A gate without an artifact for it says it of its execution.
    return said | ({"reason": node.reason} if node.state == "refused" else {})


def _figures(evaluator: NodeRun) -> dict[str, float]:
    every = [artifact["properties"] for group in evaluator.outputs.values() for artifact in group]
    [found] = [values["candidate"] for values in every if "candidate" in values]
    return dict(json.loads(found))
