"""`beltline report`: an HTML report about a run."""

import json
from pathlib import Path
from urllib.parse import quote

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.page_file import write_page
from beltline.runners.history import LATEST, History, described
from beltline.runners.report import RunReport, build_report, model_card


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
    nodes = {each.node: each for each in history.executions(run)}
    served = paths.served(settings.push.directory, settings.name)
    found = build_report(
        described(history, run), nodes, history.lineage, served, history.manifest(run)
    )
    if card or as_json:
        told = model_card(found) if card else found.as_json()
        click.echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        # Other runners' run ids may have characters that a file name must not have.
        page = output or paths.root / "reports" / f"{quote(run, safe=':+~ ')}.html"
        _write(page, found)
        click.echo(page)


def _write(page: Path, found: RunReport) -> None:
    # Only the page needs Jinja.
    from beltline.runners.report.page import page as written

    write_page(page, written(found))
