"""`beltline models`: the served versions, the run and metrics of each, and which one is live."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.table import local_time, metric, table
from beltline.versions.decisions import Decision
from beltline.versions.folder import Version, versions, waiting
from beltline.versions.live import order
from beltline.versions.store import store_of


@click.command("models")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def models(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the served versions, newest last, then the one that waits for approval."""
    project, paths = open_project(file, overrides)
    settings = project.settings
    folder = paths.served(settings.push.directory, settings.name)
    held = waiting(folder)
    found = [*versions(folder), *([held] if held else [])]
    marks = {
        "live": order(folder)[:1],
        "previous": order(folder)[1:2],
        "waiting": [held.number] if held else [],
        "first": [version.number for version in found if version.first],
        "refit": [version.number for version in found if version.refit],
    }
    if as_json:
        decisions = store_of(folder).state().decisions
        described = [_described(each, marks, decisions.get(each.number)) for each in found]
        click.echo(json.dumps(described, indent=2, allow_nan=False))
    elif found:
        click.echo("\n".join(table(_rows(found, marks))))
    else:
        click.echo(
            f"{settings.name}: no version has been pushed yet; create one with `beltline run`"
        )


def _described(
    version: Version, marks: Mapping[str, list[int]], decision: Decision | None
) -> dict[str, Any]:
    marked = {mark: version.number in numbers for mark, numbers in marks.items()}
    return {
        "version": version.number,
        "metrics": version.metrics,
        "champion_metrics": version.champion_metrics,
        "blessed": version.blessed,
        "pushed": not marked["waiting"],
        "pushed_at": version.pushed,
        **marked,
        "decision": asdict(decision) if decision else None,
        "run": version.run,
        "digests": version.digests,
    }


def _rows(found: list[Version], marks: Mapping[str, list[int]]) -> list[list[str]]:
    names = sorted({name for version in found for name in version.metrics})
    return [
        ["version", "pushed", "run", "data", *names, "blessed", ""],
        *([*_row(version, names), _marks(version.number, marks)] for version in found),
    ]


def _row(version: Version, names: list[str]) -> list[str]:
    metrics = [metric(version.metrics.get(name)) for name in names]
    origin = [local_time(version.pushed), version.run or "-", version.digests.get("data", "")[:8]]
    blessed = "yes" if version.blessed else "-"
    return [str(version.number), *(text or "-" for text in origin), *metrics, blessed]


def _marks(number: int, marks: Mapping[str, list[int]]) -> str:
    return ", ".join(mark for mark, numbers in marks.items() if number in numbers)
