"""`beltline models`: the served versions, what each reached, and which one is live."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from runners.commands.settings_options import open_project, settings_options
from serving.versions import Version, live, versions


@click.command("models")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def models(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the served versions, the newest last."""
    project, places = open_project(file, overrides)
    settings = project.settings
    folder = places.root / settings.push.directory / settings.name
    found, number = versions(folder), live(folder)
    if as_json:
        described = [_described(version, version.number == number) for version in found]
        click.echo(json.dumps(described, indent=2, allow_nan=False))
    elif found:
        click.echo("\n".join(table(_rows(found, number))))
    else:
        click.echo(f"{settings.name}: no version has been pushed yet; `beltline run` makes one")


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table whose first row is its heading; numbers go to the right."""
    columns = list(zip(*rows, strict=True))
    cells = [_aligned(column) for column in columns]
    return ["  ".join(row).rstrip() for row in zip(*cells, strict=True)]


def _aligned(column: Sequence[str]) -> list[str]:
    width = max(len(cell) for cell in column)
    right = all(re.fullmatch(r"-|-?\d+(\.\d+)?", cell) for cell in column[1:])
    return [cell.rjust(width) if right else cell.ljust(width) for cell in column]


def _described(version: Version, is_live: bool) -> dict[str, Any]:
    return {
        "version": version.number,
        "metrics": version.metrics,
        "champion_metrics": version.champion_metrics,
        "blessed": version.blessed,
        "pushed": True,
        "pushed_at": version.pushed,
        "live": is_live,
        "first": version.first,
        "run": version.run,
        "digests": version.digests,
    }


def _rows(found: list[Version], number: int | None) -> list[list[str]]:
    names = sorted({name for version in found for name in version.metrics})
    return [
        ["version", "pushed", "run", *names, ""],
        *([*_row(version, names), _marks(version, number)] for version in found),
    ]


def _row(version: Version, names: list[str]) -> list[str]:
    figures = [_figure(version.metrics.get(name)) for name in names]
    return [str(version.number), _local_time(version.pushed), version.run or "-", *figures]


def _marks(version: Version, number: int | None) -> str:
    marks = {"live": version.number == number, "first": version.first}
    return ", ".join(mark for mark, holds in marks.items() if holds)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    # Counts, such as the rows, read badly with decimals.
    return f"{value:.0f}" if value.is_integer() and value > 1 else f"{value:.4f}"


def _local_time(pushed: str) -> str:
    try:
        return datetime.fromisoformat(pushed).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "-"
