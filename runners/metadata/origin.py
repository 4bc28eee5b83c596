"""Where a version comes from, as ML Metadata has it: data, schema, code, settings, the champion.

The version's card names its run; everything else is read from that run's executions, which a cached
node has too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.runners.metadata.store import Lineage, NodeRun, first
from beltline.versions.folder import Version

_SETTINGS = ("model", "training")
_COUNTED = ("train", "validation", "eval", "dropped", "rejected")
# Their outputs are other runs' artifacts.
_FOUND = ("Champion", "Tuned")
# Where the Trainer's hyperparameters come from: this run's search, or an earlier one's.
_TUNED = {"Tuner": "best_hyperparameters", "Tuned": "tuned"}


@dataclass(frozen=True)
class ChampionComparison:
    """The model that a version was compared with; `better` is by how much, by metric."""

    version: str
    metrics: dict[str, float]
    better: dict[str, float]


@dataclass(frozen=True)
class Origin:
    """What made a version. `data` and `schema` are empty where their nodes left no trace.

    `executions` are ML Metadata's numbers by node, `artifacts` their outputs' places by node.
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
    executions: dict[str, int]
    artifacts: dict[str, list[str]] = field(default_factory=dict)


def origin(lineage: Lineage, version: Version) -> Origin:
    """Returns where a version comes from.

    Raises:
      WrongInput: its card names no run, or ML Metadata doesn't know the run.
    """
    if not version.run:
        raise WrongInput(
            f"version {version.number} has no card that names its run ({version.path})"
        )
    nodes = {each.node: each for each in lineage.nodes(version.run)}
    if not nodes:
        raise WrongInput(
            f"version {version.number}: ML Metadata knows no run {version.run}; "
            "is BELTLINE_METADATA the database that it was recorded in?"
        )
    return Origin(
        version=version.number,
        run=version.run,
        bundle=next((each.bundle for each in nodes.values() if each.bundle), ""),
        pushed=version.pushed,
        code=version.digests.get("code", ""),
        data=data_of(lineage, nodes.get("ExampleGen")),
        schema=_schema(lineage, nodes.get("Schema")),
        hyperparameters=hyperparameters_of(lineage, nodes),
        metrics=version.metrics,
        champion=_champion(version, nodes.get("Champion")),
        executions={node: each.execution_id for node, each in nodes.items()},
        artifacts={node: _uris(each) for node, each in nodes.items() if node not in _FOUND},
    )


def data_of(lineage: Lineage, node: NodeRun | None) -> dict[str, Any]:
    """Returns what an ExampleGen read: source, span, digest, and the rows of each split.

    Rows that were left out are counted as `dropped` and `rejected`. Empty without the node.
    """
    if node is None:
        return {}
    asked = lineage.properties(node.execution_id)
    made = first(node.outputs, "Examples") or {}
    # ML Metadata gives properties in any order.
    rows = {name: made[f"rows_{name}"] for name in _COUNTED if f"rows_{name}" in made}
    source = {name: asked[name] for name in ("path", "query", "span") if asked.get(name)}
    return {**source, "digest": made.get("data_digest", ""), "rows": rows}


def _schema(lineage: Lineage, node: NodeRun | None) -> dict[str, Any]:
    if node is None:
        return {}
    text = str(lineage.properties(node.execution_id).get("text", ""))
    return {
        "digest": digest.of_parts({"schema": text.encode()}),
        "uri": next(iter(_uris(node)), ""),
    }


def hyperparameters_of(lineage: Lineage, nodes: Mapping[str, NodeRun]) -> dict[str, dict[str, Any]]:
    """Returns what the Trainer was told, by section, and as `tuned` what the Tuner found best."""
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
            for file in sorted(Path(artifact["uri"]).glob("*.txt")):
                return dict(json.loads(file.read_text(encoding="utf-8")).get("values", {}))
    return {}


def _champion(version: Version, node: NodeRun | None) -> ChampionComparison | None:
    if version.champion_metrics is None:
        return None
    pushed = (first(node.outputs, "PushedModel") if node else None) or {}
    return ChampionComparison(
        version=str(pushed.get("pushed_version", "")),
        metrics=version.champion_metrics,
        better={
            name: round(figure - version.champion_metrics[name], 9)
            for name, figure in version.metrics.items()
            if name in version.champion_metrics and name != "rows"
        },
    )


def _uris(node: NodeRun) -> list[str]:
    return [artifact["uri"] for group in node.outputs.values() for artifact in group]
