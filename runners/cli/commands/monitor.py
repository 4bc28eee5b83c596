"""`beltline monitor`: compares live requests with the rows that the live version was trained on."""

import json
from pathlib import Path

import click

from beltline.base.errors import GateRefused, WrongInput
from beltline.base.printable import printable
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.quiet import stderr_in
from beltline.runners.cli.table import table
from beltline.runners.monitor.past import past_file, remember
from beltline.runners.report.file import write_page
from beltline.runners.tracking.webhook import tell_drift
from beltline.serving.monitoring import MonitoringConfig, MonitoringReport
from beltline.serving.monitoring import monitor as check


@click.command("monitor")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-o",
    "--output",
    type=Path,
    help="The HTML file to write.  [default: monitoring/NAME.html in the root]",
)
def monitor(file: Path, overrides: tuple[str, ...], as_json: bool, output: Path | None) -> None:
    """Compare live requests with the training data; exit code 3 if a limit is exceeded."""
    project, paths = open_project(file, overrides)
    settings = project.settings
    folder = paths.served(settings.push.directory, settings.name)
    section = settings.monitoring.model_dump(mode="json")
    watch = MonitoringConfig.from_settings(section, folder, paths.root, project.folder)
    with stderr_in(paths.root / "logs" / "monitor.log"):
        report = check(watch)
    page = output or paths.root / "monitoring" / f"{settings.name}.html"
    _write(page, report)
    _remember(past_file(paths.root, settings.name), report)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, allow_nan=False))
    else:
        _show(report, page)
    if report.alarms:
        for problem in tell_drift(paths.tracking, settings.name, report.as_json()):
            click.echo(f"beltline: {printable(problem)}", err=True)
        alarms = "\n  ".join(report.alarms)
        raise GateRefused(f"version {report.version}: live requests have drifted:\n  {alarms}")


def _write(page: Path, report: MonitoringReport) -> None:
    # Only the page needs Jinja.
    from beltline.serving.monitoring.page import page as written

    write_page(page, written(report))


def _remember(file: Path, report: MonitoringReport) -> None:
    try:
        remember(file, report.as_json())
    except OSError as error:
        raise WrongInput(f"{file}: not writable: {error.strerror}") from None


def _show(report: MonitoringReport, page: Path) -> None:
    click.echo(report.title)
    rows = report.table()
    if rows:
        # A column's name, or a category, may be anything.
        click.echo("\n".join(table([[printable(cell) for cell in row] for row in rows])))
    for metric in report.metrics:
        value = "-" if metric.value is None else f"{metric.value:.4f}"
        click.echo(f"{metric.name} {value} ({report.labelled_rows} rows with a label)")
    for note in report.notes:
        click.echo(printable(note))
    click.echo(f"page: {page}")
