"""`beltline promote`: another version becomes the live one."""

from pathlib import Path

import click

from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.version_argument import changing, found_version
from beltline.versions import live


@click.command("promote")
@click.argument("version", type=int)
@settings_options
def promote(version: int, file: Path, overrides: tuple[str, ...]) -> None:
    """Make VERSION the live one; a running server takes it within two seconds."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    found_version(folder, version)
    with changing(folder):
        before = live.promote(folder, version)
    changed = "is live already" if before == version else f"is live; it was version {before}"
    click.echo(f"{name}: version {version} {changed}")
