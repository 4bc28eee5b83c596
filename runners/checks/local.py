"""The checks of `beltline check local` beyond the machine: the project and its paths.

To add a check, write a function that returns a line or raises `Problem`, and list it in `CHECKS`.
"""

import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.settings.reading import Project
from beltline.runners.checks import probe
from beltline.runners.checks.beam import beam as beam_place
from beltline.runners.checks.beam import check_reach
from beltline.runners.checks.finding import Finding, Problem, run_check
from beltline.runners.checks.machine import GIB
from beltline.runners.local.record import holder
from beltline.runners.paths import Paths

_DISK, _DATA_FACTOR = GIB, 5


@dataclass(frozen=True)
class LocalContext:
    """The project and the paths to check."""

    project: Project
    paths: Paths


def pipeline(context: LocalContext) -> str:
    """Checks settings, schema, model code and the data's header against each other."""
    from beltline.pipeline import preflight

    preflight.check(context.project)
    return "settings, schema, model code and the data's header are consistent"


def root(context: LocalContext) -> str:
    """Checks that the root is writable, without creating it."""
    return probe.root(context.paths)


def disk(context: LocalContext, free: int | None = None) -> str:
    """Checks the free disk space against the size of the data."""
    if free is None:
        free = shutil.disk_usage(probe.nearest_folder(context.paths.root)).free
    needed = max(_DISK, _DATA_FACTOR * _data_bytes(context.project))
    shown = f"{free / GIB:.1f} GiB free"
    if free < needed:
        fix = "free some space, or set BELTLINE_ROOT to a larger disk"
        raise Problem(f"{shown}, {needed / GIB:.1f} GiB needed", fix)
    return shown


def _data_bytes(project: Project) -> int:
    from beltline.pipeline.preflight import source_of
    from beltline.pipeline.tables.files import size_of

    source = source_of(project)
    try:
        # The size of a query's result is not known beforehand.
        files = source.find().files
    except (NoData, WrongInput):
        # Another check reports what is wrong with the data.
        return 0
    return sum(size_of(file) for file in files)


def beam(context: LocalContext) -> str:
    """Checks where the nodes' Beam pipelines run."""
    check_reach(context.paths, context.project.settings)
    return beam_place(context.paths)


def versions(context: LocalContext) -> str:
    """Checks where versions are pushed to; in an object store, by writing an object there."""
    settings = context.project.settings
    place = context.paths.served(settings.push.directory, settings.name)
    return str(place) if isinstance(place, Path) else probe.usable(place)


def artifacts(context: LocalContext) -> str:
    """Checks where artifacts are kept."""
    return probe.artifacts(context.paths)


def metadata(context: LocalContext) -> str:
    """Checks that ML Metadata can be opened, without creating a SQLite file."""
    return probe.metadata(context.paths, context.project.settings.name)


def idle(context: LocalContext) -> str:
    """Checks that no run is in progress in the root."""
    busy = holder(context.paths.root)
    if busy:
        raise Problem(f"a run is in progress ({busy})", "wait for it, or use another BELTLINE_ROOT")
    return "no run is in progress"


CHECKS: tuple[Callable[[LocalContext], str], ...] = (
    pipeline,
    root,
    beam,
    disk,
    versions,
    artifacts,
    metadata,
    idle,
)
NAMES = tuple(look.__name__ for look in CHECKS)


def findings(project: Project, paths: Paths) -> Iterator[Finding]:
    """Runs every check."""
    context = LocalContext(project, paths)
    for look in CHECKS:
        yield run_check(look.__name__, functools.partial(look, context))
