"""What `beltline check local` looks at beyond the machine: the project and its places.

To add a check, write a function that returns a line or raises `Problem`, and list it in `CHECKS`.
"""

import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.settings.reading import Project
from beltline.runners.checks import probe
from beltline.runners.checks.finding import Finding, Problem, made
from beltline.runners.checks.machine import GIB
from beltline.runners.local.record import holder
from beltline.runners.paths import Places

_DISK, _DATA_FACTOR = GIB, 5


@dataclass(frozen=True)
class Context:
    """What the checks look at."""

    project: Project
    places: Places


def pipeline(context: Context) -> str:
    """Checks settings, schema, model code and the data's header against each other."""
    from beltline.pipeline import preflight

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
    from beltline.pipeline.preflight import source_of

    source = source_of(project)
    try:
        # How much a query will give nobody knows beforehand.
        files = source.find().files
    except (NoData, WrongInput):
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


CHECKS: tuple[Callable[[Context], str], ...] = (pipeline, root, disk, metadata, idle)
NAMES = tuple(look.__name__ for look in CHECKS)


def findings(project: Project, places: Places) -> Iterator[Finding]:
    """Makes every check."""
    context = Context(project, places)
    for look in CHECKS:
        yield made(look.__name__, functools.partial(look, context))
