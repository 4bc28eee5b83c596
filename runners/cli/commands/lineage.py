"""`beltline lineage`: the lineage of a version, and how it compares with the champion."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.table import local_time, metric, table
from beltline.versions.changes import found_version
from beltline.versions.live import live

if TYPE_CHECKING:
    from beltline.runners.metadata.origin import Origin


@click.command("lineage")
@click.argument("version", type=int)
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def lineage(version: int, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show the lineage of VERSION: data, schema, code, settings, and the champion it beat."""
    project, paths = open_project(file, overrides)
    folder = paths.served(project.settings.push.directory, project.settings.name)
    found = found_version(folder, version)
    # Opening it would create it.
    database = sqlite_file(paths.metadata)
    if database and not database.exists():
        raise WrongInput(f"ML Metadata: {database} not found, so the lineage is unknown")
    from beltline.runners.metadata.origin import origin
    from beltline.runners.metadata.store import Lineage

    made = origin(Lineage(paths.metadata, project.settings.name), found)
    if as_json:
        described = {**asdict(made), "live": live(folder) == version}
        click.echo(json.dumps(described, indent=2, allow_nan=False))
        return
    mark = " · live" if live(folder) == version else ""
    click.echo(f"version {version} of {project.settings.name}{mark}")
    click.echo("\n".join(_lines(made)))


def _lines(made: "Origin") -> Iterator[str]:
    yield f"run        {made.run} · pushed {local_time(made.pushed)}"
    yield f"bundle     {made.bundle[:12] or '-'} · model code {made.code or '-'}"
    yield f"data       {_data(made.data)}"
    yield f"schema     {made.schema.get('digest', '-')[:12]} · {made.schema.get('uri', '-')}"
    for section, values in made.hyperparameters.items():
        yield f"{section:<10} {', '.join(f'{key} {_text(value)}' for key, value in values.items())}"
    if made.models.get("judged") != made.models.get("served"):
        yield f"judged     {made.models.get('judged', '-')}"
        yield f"served     {made.models['served']}: the same, trained on the rows of all splits"
    nodes = ", ".join(f"{node} {number}" for node, number in made.executions.items())
    yield f"executions {nodes}"
    yield from _comparison(made)


def _data(data: dict[str, Any]) -> str:
    source = data.get("path") or data.get("query") or "-"
    rows = ", ".join(f"{split} {count:,}" for split, count in data.get("rows", {}).items())
    return (
        f"{source} · span {data.get('span', '-')} · digest {data.get('digest', '')[:12]} · {rows}"
    )


def _comparison(made: "Origin") -> Iterator[str]:
    if made.champion is None:
        yield "champion   none: the first version for these columns and this label"
        rows = [["metric", "value"], *([k, metric(v)] for k, v in made.metrics.items())]
    else:
        yield f"champion   version {made.champion.version or '-'}"
        rows = [["metric", "value", "champion", "difference"]]
        for name, value in made.metrics.items():
            better = made.champion.better.get(name)
            last = [
                metric(made.champion.metrics.get(name)),
                "-" if better is None else f"{better:+.4f}",
            ]
            rows.append([name, metric(value), *last])
    yield from table(rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
