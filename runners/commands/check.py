"""`beltline check`: whatever would make a run fail, found beforehand, each with its mend.

To add a check, write a function that returns a line or raises `Problem`, and list it at the end.
"""

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bundle.errors import WrongInput
from pipeline.reading import Project
from runners import probe
from runners.commands.settings_options import open_project, settings_options
from runners.finding import Finding, Problem, made
from runners.machine import GIB, MACHINE
from runners.places import Places
from runners.record import holder

_DISK, _DATA_FACTOR = GIB, 5


@dataclass(frozen=True)
class Context:
    """What the checks look at; `project` and `places` need settings that can be read."""

    project: Project
    places: Places


@click.command("check")
@click.argument("place", type=click.Choice(["local"]))
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
    of_machine, of_project = _CHECKS[place]
    for look in of_machine:
        yield made(look.__name__, look)
    try:
        context = Context(*open_project(file, overrides))
    except WrongInput as error:
        for line in str(error).splitlines():
            yield Finding("settings", False, line, "correct it there")
        rest = ", ".join(look_at.__name__ for look_at in of_project)
        yield Finding("rest", None, f"not checked, since it needs the settings: {rest}")
        return
    yield Finding("settings", True, str(context.project.file))
    for look_at in of_project:
        yield made(look_at.__name__, functools.partial(look_at, context))


def pipeline(context: Context) -> str:
    """Checks settings, schema, model code and the data's header against each other."""
    from pipeline import preflight

    preflight.check(context.project)
    return "settings, schema, model code and the data's header fit together"


def root(context: Context) -> str:
    """Checks that the root can be written, without making it."""
    return probe.root(context.places)


def disk(context: Context, free: int | None = None) -> str:
    """Checks the free space against what the data will need."""
    if free is None:
        free = shutil.disk_usage(probe.nearest_folder(context.places.root)).free
    needed = max(_DISK, _DATA_FACTOR * _data_bytes(context.project))
    shown = f"{free / GIB:.1f} GiB free"
    if free < needed:
        mend = "make room, or set BELTLINE_ROOT to a larger disk"
        raise Problem(f"{shown}, {needed / GIB:.1f} GiB needed", mend)
    return shown


def _data_bytes(project: Project) -> int:
    from pipeline import tables

    try:
        files = tables.data_files(tables.source_path(project.settings.data.path, project.folder))
    except WrongInput:
        # What is wrong with the data is another check's word.
        return 0
    return sum(file.stat().st_size for file in files)


def metadata(context: Context) -> str:
    """Checks that ML Metadata can be opened; a SQLite file that isn't there yet stays so."""
    return probe.metadata(context.places, context.project.settings.name)


def idle(context: Context) -> str:
    """Checks that no run is going on in the root."""
    busy = holder(context.places.root)
    if busy:
        raise Problem(f"a run is going on ({busy})", "wait for it, or use another BELTLINE_ROOT")
    return "no run is going on"


# In the order in which they are shown: what needs no settings, then what does.
_PROJECT: tuple[Callable[[Context], str], ...] = (pipeline, root, disk, metadata, idle)
_CHECKS = {"local": (MACHINE, _PROJECT)}
