"""`beltline report`: an HTML report about a run."""

import json
from pathlib import Path

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.history import LATEST, History
from beltline.runners.report import model_card, report_of
from beltline.runners.report.file import report_file, write_report


@click.command("report")
@click.argument("run", default=LATEST)
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of writing the page.")
@click.option(
    "--card", is_flag=True, help="Print the model card of the version that RUN pushed, as JSON."
)
@click.option(
    "-o",
    "--output",
    type=Path,
    help="The HTML file to write.  [default: reports/RUN.html in the root]",
)
def report(
    run: str,
    file: Path,
    overrides: tuple[str, ...],
    as_json: bool,
    card: bool,
    output: Path | None,
) -> None:
    """Write an HTML report about RUN, by default the latest, and print its path."""
    project, paths = open_project(file, overrides)
    settings = project.settings
    history = History(paths, settings.name)
    run = history.find(run)
    served = paths.served(settings.push.directory, settings.name)
    found = report_of(history, run, served)
    if card or as_json:
        told = model_card(found) if card else found.as_json()
        click.echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        page = output or report_file(paths, run)
        write_report(page, found)
        click.echo(page)
