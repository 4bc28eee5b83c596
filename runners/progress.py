"""A line for each node that has ended: its state, its seconds, and the main detail."""

import json
from typing import Any

import click

from beltline.base.printable import printable
from beltline.runners.metadata.store import version_of
from beltline.runners.node.outcome import Outcome

# The states whose reason is the detail; a gate that refused shows its metrics.
_WITH_REASON = ("skipped", "failed")


def print_node(outcome: Outcome, seconds: float) -> None:
    """Prints the line of a node that ran for `seconds`."""
    line = f"  {outcome.node:<17}{outcome.state:<9}{seconds:7.1f} s  {detail_of(outcome)}"
    click.echo(line.rstrip())


def detail_of(outcome: Outcome) -> str:
    """Returns what a node has made, or why it has not, in a line."""
    reason = outcome.reason.partition("\n")[0]
    return printable(reason if outcome.state in _WITH_REASON else _made(outcome))


def _made(outcome: Outcome) -> str:
    properties: dict[str, Any] = {}
    for artifacts in outcome.outputs.values():
        for artifact in artifacts:
            properties |= artifact["properties"]
    if "data_digest" in properties:
        return _rows(properties)
    if "predicted_by" in properties:
        return _predictions(properties)
    if "candidate" in properties:
        return _metrics(properties)
    version = version_of(properties)
    if outcome.node == "Champion" and not version:
        return "none to beat: this is the first model for these columns and this label"
    return f"version {version}" if version else ""


def _rows(properties: dict[str, Any]) -> str:
    rows = {k[5:]: number for k, number in properties.items() if k.startswith("rows_")}
    return ", ".join(f"{name} {number:,}" for name, number in rows.items() if number)


def _predictions(properties: dict[str, Any]) -> str:
    rejected = properties["rejected_rows"]
    without = f" ({rejected:,} can't be read)" if rejected else ""
    version, file = properties["predicted_by"], properties["published"]
    return f"rows {properties['predicted_rows']:,}{without}, version {version}: {file}"


def _metrics(properties: dict[str, Any]) -> str:
    metrics, champion = json.loads(properties["candidate"]), json.loads(properties["baseline"])
    return ", ".join(
        f"{name} {value:.4f}" + (f" (champion {champion[name]:.4f})" if name in champion else "")
        for name, value in metrics.items()
        if name != "rows"
    )
