"""`beltline models`: the served versions, the run and metrics of each, and which one is live."""

import json
from pathlib import Path
from typing import Any

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.table import local_time, metric, table
from beltline.versions.folder import Version, versions
from beltline.versions.live import order


@click.command("models")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def models(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the served versions, newest last."""
    project, paths = open_project(file, overrides)
    settings = project.settings
    folder = paths.served(settings.push.directory, settings.name)
    found, latest = versions(folder), order(folder)
    if as_json:
        described = [_described(version, latest) for version in found]
        click.echo(json.dumps(described, indent=2, allow_nan=False))
    elif found:
        click.echo("\n".join(table(_rows(found, latest))))
    else:
        click.echo(
            f"{settings.name}: no version has been pushed yet; create one with `beltline run`"
        )


def _described(version: Version, latest: list[int]) -> dict[str, Any]:
    return {
        "version": version.number,
        "metrics": version.metrics,
        "champion_metrics": version.champion_metrics,
        "blessed": version.blessed,
        "pushed": True,
        "pushed_at": version.pushed,
        "live": [version.number] == latest[:1],
        "previous": [version.number] == latest[1:2],
        "first": version.first,
        "refit": version.refit,
        "run": version.run,
        "digests": version.digests,
    }


def _rows(found: list[Version], latest: list[int]) -> list[list[str]]:
    names = sorted({name for version in found for name in version.metrics})
    return [
        ["version", "pushed", "run", "data", *names, "blessed", ""],
        *([*_row(version, names), _marks(version, latest)] for version in found),
    ]


def _row(version: Version, names: list[str]) -> list[str]:
    metrics = [metric(version.metrics.get(name)) for name in names]
    origin = [local_time(version.pushed), version.run or "-", version.digests.get("data", "")[:8]]
    blessed = "yes" if version.blessed else "-"
    return [str(version.number), *(text or "-" for text in origin), *metrics, blessed]


def _marks(version: Version, latest: list[int]) -> str:
    marks = {
        "live": [version.number] == latest[:1],
        "previous": [version.number] == latest[1:2],
        "first": version.first,
        "refit": version.refit,
    }
    return ", ".join(mark for mark, holds in marks.items() if holds)
