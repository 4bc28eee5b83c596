"""The columns of a run's data with their statistics and anomalies, beside the live version's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.runners.metadata.store import Lineage, NodeRun, first, version_of
from beltline.runners.report.anomalies import anomalies_in
from beltline.runners.report.statistics import LIVE, columns_of, of_file, of_splits
from beltline.storage import folders
from beltline.versions.folder import STATISTICS, fetch, find
from beltline.versions.live import live
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.store import Place


@dataclass(frozen=True)
class Columns:
    """The columns as `columns_of` has them, and the anomalies as `anomalies_in` has.

    `live` is the version whose training rows they are compared with, empty where there is none.
    """

    live: str = ""
    columns: list[dict[str, Any]] = field(default_factory=list)
    anomalies: list[dict[str, Any]] = field(default_factory=list)


def columns(lineage: Lineage, nodes: Mapping[str, NodeRun], served: Place, pushed: str) -> Columns:
    """Returns the columns of a run's data.

    Args:
      lineage: ML Metadata.
      nodes: the run's executions by node.
      served: the folder of the pipeline's versions.
      pushed: the version that the run pushed; empty if none.
    """
    found = _folder(nodes.get("StatisticsGen"), "statistics")
    anomalies = _folder(nodes.get("ExampleValidator"), "anomalies")
    datasets = of_splits(found) if found else {}
    other = _other(nodes.get("Champion"), served, pushed) if datasets else ""
    before = _training_rows(served, int(other)) if other else None
    if before is not None:
        datasets[LIVE] = before
    return Columns(
        live=other if before is not None else "",
        columns=columns_of(datasets, _label(lineage, nodes.get("DataGate"))),
        anomalies=anomalies_in(anomalies) if anomalies else [],
    )


def _folder(node: NodeRun | None, key: str) -> Path | None:
    made = node.outputs.get(key, []) if node else []
    return folders.local(made[0]["uri"]) if made else None


def _other(champion: NodeRun | None, served: Place, pushed: str) -> str:
    """Returns the live version; if that is the run's own, the champion that it has replaced."""
    number = live(served)
    if number is not None and str(number) != pushed:
        return str(number)
    before = (first(champion.outputs, "PushedModel") if champion else None) or {}
    return version_of(before)


def _training_rows(served: Place, number: int) -> Any:
    version = find(served, number)
    if version is None:
        return None
    try:
        fetch(served, version)
    except (BrokenVersion, OSError):
        return None
    return of_file(version.path / STATISTICS)


def _label(lineage: Lineage, gate: NodeRun | None) -> str:
    """Returns the label's column; empty where the data gate, which knows it, did not run."""
    return str(lineage.properties(gate.execution_id).get("label", "")) if gate else ""
