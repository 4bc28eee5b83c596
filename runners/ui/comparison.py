"""Runs beside each other: their data, their metrics, and the settings in which they differ."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beltline.runners.metadata.origin import data_of
from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.report.evaluation import read_evaluation
from beltline.runners.report.settings import flat, settings_of

NONE = "-"


@dataclass(frozen=True)
class Facts:
    """What a run is compared by, by dotted names; that of a setting begins with its node."""

    data: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One name, its value in each run as text, and whether these differ."""

    name: str
    values: list[str]
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """The rows of each section; `settings` has only those that differ where their node ran."""

    data: list[Row]
    metrics: list[Row]
    settings: list[Row]


def facts_of(lineage: Lineage | None, executions: Sequence[NodeRun]) -> Facts:
    """Returns what a run is compared by.

    Args:
      lineage: ML Metadata; None where there is none yet.
      executions: the last execution of each node.
    """
    if lineage is None:
        return Facts({}, {}, {})
    nodes = {each.node: each for each in executions}
    evaluated, _ = read_evaluation(lineage, nodes)
    return Facts(
        data=flat(data_of(lineage, nodes.get("ExampleGen"))),
        metrics={each.metric: each.value for each in evaluated.metrics},
        settings=flat(settings_of(lineage, nodes)),
    )


def compare(runs: Sequence[Facts]) -> Comparison:
    """Returns the runs beside each other, in their order."""
    return Comparison(
        data=_rows([run.data for run in runs]),
        metrics=_rows([run.metrics for run in runs]),
        settings=[row for row in _rows([run.settings for run in runs], _asked) if row.differs],
    )


def _always(run: Mapping[str, Any], name: str) -> bool:
    return True


def _asked(run: Mapping[str, Any], name: str) -> bool:
    """Whether the node ran, and was asked for this: a cached one has not looked at its data."""
    asked = ".".join(name.split(".")[:2])
    return any(each == asked or each.startswith(f"{asked}.") for each in run)


def _rows(
    runs: Sequence[Mapping[str, Any]],
    compared: Callable[[Mapping[str, Any], str], bool] = _always,
) -> list[Row]:
    names = dict.fromkeys(name for run in runs for name in run)
    # By value: two numbers may look the same once they are rounded.
    return [
        Row(
            name,
            [_text(run.get(name)) for run in runs],
            differs=len({json.dumps(run.get(name)) for run in runs if compared(run, name)}) > 1,
        )
        for name in names
    ]


def _text(value: Any) -> str:
    if value is None or value == "":
        return NONE
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
