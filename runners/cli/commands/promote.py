"""`beltline promote`: promotes a version to live."""

from pathlib import Path

import click

from beltline.base.printable import printable
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.tracking.live import tell_live
from beltline.versions import live
from beltline.versions.changes import changing, found_version


@click.command("promote")
@click.argument("version", type=int)
@settings_options
def promote(version: int, file: Path, overrides: tuple[str, ...]) -> None:
    """Promote VERSION to live; a running server loads it within two seconds."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    found_version(folder, version)
    with changing(folder):
        before = live.promote(folder, version)
    if before == version:
        click.echo(f"{name}: already serving version {version}")
    else:
        click.echo(f"{name}: now serving version {version} (was version {before})")
    for problem in tell_live(paths.tracking, name, version):
        click.echo(f"beltline: {printable(problem)}", err=True)
