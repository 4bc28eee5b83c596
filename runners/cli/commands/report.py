"""`beltline report`: one page about a run."""

import json
from pathlib import Path
from urllib.parse import quote

import click

from beltline.runners.cli.commands.runs import LATEST, History, described
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.page_file import write_page
from beltline.runners.report import RunReport, build_report


@click.command("report")
@click.argument("run", default=LATEST)
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and write no page.")
@click.option(
    "-o", "--output", type=Path, help="The page to write; reports/RUN.html below the root."
)
def report(
    run: str, file: Path, overrides: tuple[str, ...], as_json: bool, output: Path | None
) -> None:
    """Write a page about RUN, by default the latest, and print its path."""
    project, paths = open_project(file, overrides)
    settings = project.settings
    history = History(paths, settings.name)
    run = history.find(run)
    nodes = {each.node: each for each in history.executions(run)}
    served = paths.served(settings.push.directory, settings.name)
    found = build_report(described(history, run), nodes, history.lineage, served)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, allow_nan=False))
    else:
        # Other runners name their runs as they like.
        page = output or paths.root / "reports" / f"{quote(run, safe=':+~ ')}.html"
        _write(page, found)
        click.echo(page)


def _write(page: Path, found: RunReport) -> None:
    # Jinja is loaded for the page alone.
    from beltline.runners.report.page import page as written

    write_page(page, written(found))
