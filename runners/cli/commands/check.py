"""`beltline check`: whatever would make a run fail, found beforehand, each with its mend.

To add a place, write `runners/checks/<place>.py` with `NAMES` and `findings(project, places)`,
and list the place below.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click

from beltline.base.errors import WrongInput
from beltline.runners.checks.finding import Finding, made
from beltline.runners.checks.machine import MACHINE
from beltline.runners.cli.options import open_project, settings_options

# The checks that need no settings; those that do are in a module of their own for each place.
_OF_MACHINE: dict[str, tuple[Callable[[], str], ...]] = {
    "local": MACHINE,
    "airflow": (),
    "kubeflow": (),
}


@click.command("check")
@click.argument("place", type=click.Choice(list(_OF_MACHINE)))
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def check(place: str, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Find beforehand whatever would make a run fail in PLACE."""
    found = list(findings(place, file, overrides))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        click.echo("\n".join(finding.line() for finding in found))
    bad = [finding.check for finding in found if finding.ok is False]
    if bad:
        raise WrongInput(f"check {place}: {len(bad)} of {len(found)} failed: {', '.join(bad)}")


def findings(place: str, file: Path, overrides: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Makes every check for a place; one that fails doesn't keep the others from being made."""
    for look in _OF_MACHINE[place]:
        yield made(look.__name__, look)
    # Only now: the clients of one place take their time to load, and are of no use for another.
    of_project = import_module(f"beltline.runners.checks.{place}")
    try:
        project, places = open_project(file, overrides)
    except WrongInput as error:
        for line in str(error).splitlines():
            yield Finding("settings", False, line, "correct it there")
        rest = ", ".join(of_project.NAMES)
        yield Finding("rest", None, f"not checked, since it needs the settings: {rest}")
        return
    yield Finding("settings", True, str(project.file))
    yield from of_project.findings(project, places)
