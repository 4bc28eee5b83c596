"""The origin of a version, from ML Metadata: data, schema, code, settings, the champion.

The version's card names its run; everything else is read from that run's executions, which cached
nodes have too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.runners.metadata.store import Lineage, NodeRun, first, version_of
from beltline.storage import folders
from beltline.versions.folder import Version

_SETTINGS = ("model", "training")
_COUNTED = ("train", "validation", "eval", "dropped", "rejected", "gap")
# Resolvers: their outputs are artifacts of other runs.
_FOUND = ("Champion", "Tuned")
# The source of the Trainer's hyperparameters: this run's search, or an earlier one.
_TUNED = {"Tuner": "best_hyperparameters", "Tuned": "tuned"}


@dataclass(frozen=True)
class ChampionComparison:
    """The champion that a version was compared with; `better` is the difference by metric."""

    version: str
    metrics: dict[str, float]
    better: dict[str, float]


@dataclass(frozen=True)
class Origin:
    """The origin of a version. `data` and `schema` are empty if their nodes have no executions.

    `models` are the URIs of the model that was `judged` and of the one that is `served`: another
    one after a refit. `executions` are the ids of the executions by node, `artifacts` the URIs of
    their outputs.
    """

    version: int
    run: str
    bundle: str
    pushed: str
    code: str
    data: dict[str, Any]
    schema: dict[str, Any]
    hyperparameters: dict[str, dict[str, Any]]
    metrics: dict[str, float]
    champion: ChampionComparison | None
    models: dict[str, str]
    executions: dict[str, int]
    artifacts: dict[str, list[str]] = field(default_factory=dict)


def origin(lineage: Lineage, version: Version) -> Origin:
    """Returns the origin of a version.

    Raises:
      WrongInput: the version's card names no run, or the run is not in ML Metadata.
    """
    if not version.run:
        raise WrongInput(
            f"version {version.number} has no card that names its run ({version.path})"
        )
    nodes = {each.node: each for each in lineage.nodes(version.run)}
    if not nodes:
        raise WrongInput(
            f"version {version.number}: run {version.run} not found in ML Metadata; "
            "is BELTLINE_METADATA the database of that run?"
        )
    return Origin(
        version=version.number,
        run=version.run,
        bundle=next((each.bundle for each in nodes.values() if each.bundle), ""),
        pushed=version.pushed,
        code=version.digests.get("code", ""),
        data=data_of(lineage, nodes.get("ExampleGen")),
        schema=schema_of(lineage, nodes.get("Schema")),
        hyperparameters=hyperparameters_of(lineage, nodes),
        metrics=version.metrics,
        champion=_champion(version, nodes.get("Champion")),
        models=_models(version, nodes),
        executions={node: each.execution_id for node, each in nodes.items()},
        artifacts={node: _uris(each) for node, each in nodes.items() if node not in _FOUND},
    )


def data_of(lineage: Lineage, node: NodeRun | None) -> dict[str, Any]:
    """Returns the data that ExampleGen read: source, span, digest, and the rows of each split.

    `dropped` and `rejected` count the rows that were left out. Empty without the node.
    """
    if node is None:
        return {}
    properties = lineage.properties(node.execution_id)
    examples = first(node.outputs, "Examples") or {}
    # ML Metadata gives properties in any order.
    rows = {name: examples[f"rows_{name}"] for name in _COUNTED if f"rows_{name}" in examples}
    source = {key: properties[key] for key in ("path", "query", "span") if properties.get(key)}
    return {**source, "digest": examples.get("data_digest", ""), "rows": rows}


def schema_of(lineage: Lineage, node: NodeRun | None) -> dict[str, Any]:
    """Returns the digest of the schema's text, and the artifact's URI; empty without the node."""
    if node is None:
        return {}
    text = str(lineage.properties(node.execution_id).get("text", ""))
    return {
        "digest": digest.of_parts({"schema": text.encode()}),
        "uri": next(iter(_uris(node)), ""),
    }


def hyperparameters_of(lineage: Lineage, nodes: Mapping[str, NodeRun]) -> dict[str, dict[str, Any]]:
    """Returns the Trainer's settings by section, and under `tuned` the Tuner's best values."""
    trainer = nodes.get("Trainer")
    if trainer is None:
        return {}
    given = json.loads(lineage.properties(trainer.execution_id).get("custom_config") or "{}")
    found = {section: given[section] for section in _SETTINGS if section in given}
    tuned = _tuned(nodes)
    return {**found, "tuned": tuned} if tuned else found


def _tuned(nodes: Mapping[str, NodeRun]) -> dict[str, Any]:
    for node, key in _TUNED.items():
        for artifact in nodes[node].outputs.get(key, []) if node in nodes else []:
            for file in sorted(folders.local(artifact["uri"]).glob("*.txt")):
                return dict(json.loads(file.read_text(encoding="utf-8")).get("values", {}))
    return {}


def _champion(version: Version, node: NodeRun | None) -> ChampionComparison | None:
    if version.champion_metrics is None:
        return None
    pushed = (first(node.outputs, "PushedModel") if node else None) or {}
    return ChampionComparison(
        version=version_of(pushed),
        metrics=version.champion_metrics,
        better={
            name: round(value - version.champion_metrics[name], 9)
            for name, value in version.metrics.items()
            if name in version.champion_metrics and name != "rows"
        },
    )


def _models(version: Version, nodes: Mapping[str, NodeRun]) -> dict[str, str]:
    made_by = {"judged": "Trainer", "served": "Refit" if version.refit else "Trainer"}
    return {
        name: artifact["uri"]
        for name, node in made_by.items()
        for artifact in (nodes[node].outputs.get("model", []) if node in nodes else [])
    }


def _uris(node: NodeRun) -> list[str]:
    return [artifact["uri"] for group in node.outputs.values() for artifact in group]
