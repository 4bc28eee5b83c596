"""`beltline rollback`: rolls back to the previous version."""

from pathlib import Path

import click

from beltline.base.printable import printable
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.tracking.live import tell_live
from beltline.versions import live
from beltline.versions.changes import changing


@click.command("rollback")
@settings_options
def rollback(file: Path, overrides: tuple[str, ...]) -> None:
    """Roll back to the previous version; repeat to go back further."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    with changing(folder):
        before, now = live.rollback(folder)
    click.echo(f"{name}: rolled back; now serving version {now} (was version {before})")
    for problem in tell_live(paths.tracking, name, now):
        click.echo(f"beltline: {printable(problem)}", err=True)
