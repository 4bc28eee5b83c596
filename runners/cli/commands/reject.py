"""`beltline reject`: deletes the version that waits."""

from pathlib import Path

import click

from beltline.runners.cli.decision import decision_options, make_known
from beltline.runners.cli.options import open_project, settings_options
from beltline.versions import approval
from beltline.versions.changes import changing
from beltline.versions.folder import waiting


@click.command("reject")
@click.argument("version", type=int)
@settings_options
@decision_options
def reject(version: int, file: Path, overrides: tuple[str, ...], by: str, note: str) -> None:
    """Reject VERSION, which waits: it is deleted, and the same model is not held again."""
    project, paths = open_project(file, overrides)
    name = project.settings.name
    folder = paths.served(project.settings.push.directory, name)
    held = waiting(folder)
    with changing(folder):
        new = approval.reject(folder, version, by, note)
    click.echo(f"{name}: version {version} {'rejected' if new else 'was rejected already'}")
    if held and held.number == version:
        make_known(paths, name, folder, held)
