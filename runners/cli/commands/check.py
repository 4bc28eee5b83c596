"""`beltline check`: finds what would make a run fail, each problem with its fix.

To add a target, write `runners/checks/<target>.py` with `NAMES` and `findings(project, paths)`,
and list the target below.
"""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click

from beltline.base.errors import WrongInput
from beltline.runners.checks.finding import Finding, run_check
from beltline.runners.checks.machine import MACHINE
from beltline.runners.cli.options import open_project, settings_options

# The checks that need no settings; each target has those that do in a module of its own.
_MACHINE_CHECKS: dict[str, tuple[Callable[[], str], ...]] = {
    "local": MACHINE,
    "airflow": (),
    "kubeflow": (),
}


@click.command("check")
@click.argument("target", type=click.Choice(list(_MACHINE_CHECKS)))
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def check(target: str, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check for anything that would make a run on TARGET fail."""
    found = list(findings(target, file, overrides))
    if as_json:
        click.echo(json.dumps([finding.as_json() for finding in found], indent=2))
    else:
        click.echo("\n".join(finding.line() for finding in found))
    bad = [finding.check for finding in found if finding.ok is False]
    if bad:
        raise WrongInput(f"check {target}: {len(bad)} of {len(found)} failed: {', '.join(bad)}")


def findings(target: str, file: Path, overrides: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Runs every check for a target; a failed one doesn't stop the others."""
    for look in _MACHINE_CHECKS[target]:
        yield run_check(look.__name__, look)
    # Only now: the clients of one target take time to import, and no other target needs them.
    of_project = import_module(f"beltline.runners.checks.{target}")
    try:
        project, paths = open_project(file, overrides)
    except WrongInput as error:
        for line in str(error).splitlines():
            yield Finding("settings", False, line, "fix it there")
        rest = ", ".join(of_project.NAMES)
        yield Finding("rest", None, f"not checked, as the settings are invalid: {rest}")
        return
    yield Finding("settings", True, str(project.file))
    yield from of_project.findings(project, paths)
