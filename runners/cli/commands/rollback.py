"""`beltline rollback`: the version that was live before becomes the live one again."""

from pathlib import Path

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.version_argument import changing
from beltline.versions import live


@click.command("rollback")
@settings_options
def rollback(file: Path, overrides: tuple[str, ...]) -> None:
    """Make the version live that was before; once more goes one further back."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    with changing(folder):
        before, now = live.rollback(folder)
    click.echo(f"{name}: version {now} is live again; it was version {before}")
