"""`beltline approve`: makes the version that waits the live one."""

from pathlib import Path

import click

from beltline.runners.cli.decision import decision_options, make_known
from beltline.runners.cli.options import open_project, settings_options
from beltline.versions import approval
from beltline.versions.changes import changing, found_version
from beltline.versions.live import live


@click.command("approve")
@click.argument("version", type=int)
@settings_options
@decision_options
def approve(version: int, file: Path, overrides: tuple[str, ...], by: str, note: str) -> None:
    """Approve VERSION, which waits; a running server loads it within two seconds."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    before = live(folder)
    with changing(folder):
        new = approval.approve(folder, version, by, note)
    if new:
        was = f"was version {before}" if before else "the first one"
        click.echo(f"{name}: approved; now serving version {version} ({was})")
    else:
        click.echo(f"{name}: version {version} was approved already; version {before} is live")
    make_known(paths, name, folder, found_version(folder, version))
