"""`beltline check`: whatever would make a run fail, found beforehand, each with its mend.

To add a check, write a function that returns a line or raises `Problem`, and list it at the end.
"""

import functools
import json
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from bundle import digest, environment
from bundle.errors import WrongInput
from pipeline.reading import Project
from runners.commands.settings_options import open_project, settings_options
from runners.places import Places
from runners.record import holder

GIB = 2**30
_PYTHON, _GLIBC = (3, 11), (2, 28)
_LIBRARIES = ("tfx", "tensorflow", "tfx-bsl", "ml-metadata", "apache-beam", "keras")
_MEMORY, _DISK, _DATA_FACTOR = 2 * GIB, GIB, 5
_LOCK = Path("requirements") / "pipeline.txt"


class Problem(Exception):
    """What is wrong, and how to mend it."""

    def __init__(self, text: str, mend: str):
        super().__init__(text)
        self.mend = mend


@dataclass(frozen=True)
class Finding:
    """What a check found. `ok` is None where it could not be made."""

    check: str
    ok: bool | None
    text: str
    mend: str = ""

    def line(self) -> str:
        """Returns it in one line."""
        word = {True: "ok", False: "fail", None: "-"}[self.ok]
        text = f"{self.text}: {self.mend}" if self.mend else self.text
        return f"{word:<5} {self.check:<9} {text}"


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
        yield _made(look.__name__, look)
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
        yield _made(look_at.__name__, functools.partial(look_at, context))


def _made(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except Problem as problem:
        return Finding(name, False, str(problem), problem.mend)
    except (WrongInput, OSError) as error:
        return Finding(name, False, " · ".join(str(error).splitlines()), "correct it there")


def python(found: tuple[int, ...] = sys.version_info[:3]) -> str:
    """Checks that this is the Python that TFX has wheels for."""
    if found[:2] != _PYTHON:
        shown = ".".join(map(str, found))
        raise Problem(f"{shown}, but TFX needs 3.11", "`make setup` finds or fetches it")
    return sys.prefix


def machine(
    system: str = f"{platform.system()}-{platform.machine()}",
    libc: tuple[str, str] = platform.libc_ver(),
) -> str:
    """Checks the operating system, the processor and the C library."""
    mend = "run on Linux x86_64 with glibc 2.28 or later, or in the image"
    if system != "Linux-x86_64":
        raise Problem(f"{system}: TFX has no wheels for it", mend)
    name, release = libc
    if name != "glibc" or tuple(map(int, re.findall(r"\d+", release)[:2])) < _GLIBC:
        raise Problem(f"C library '{name} {release}', but TFX needs glibc 2.28", mend)
    return f"{system}, {name} {release}"


def libraries(locked: str | None = None) -> str:
    """Checks that TFX and what it stands on are installed, at the versions of a lock's text."""
    text = _locked() if locked is None else locked
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE))
    found = {name: _installed(name) for name in _LIBRARIES}
    wrong = [
        f"{name} {here or 'missing'}" + (f" (locked: {pins[name]})" if name in pins else "")
        for name, here in found.items()
        if not here or here != pins.get(name, here)
    ]
    if wrong:
        raise Problem(", ".join(wrong), "`make setup` installs what is locked")
    return ", ".join(f"{name} {here}" for name, here in found.items())


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def lock(here: str | None = None, locked: str | None = None) -> str:
    """Checks that the environment was installed from the lock that lies in the sources."""
    here = environment.lock_digest() if here is None else here
    text = _locked() if locked is None else locked
    if here == "unlocked":
        return "unlocked: installed without a lock, so versions may differ from machine to machine"
    if text and here != digest.of_lock(text)[:16]:
        wanted = digest.of_lock(text)[:16]
        raise Problem(f"the environment holds {here}, {_LOCK} is {wanted}", "run `make setup`")
    return here


def _locked() -> str:
    """Returns the lock beside setup.py; empty where Beltline was installed without its sources."""
    sources = Path(environment.__file__).parent.parent
    file = sources / _LOCK
    there = (sources / "setup.py").is_file() and file.is_file()
    return file.read_text(encoding="utf-8") if there else ""


def available_memory(
    proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Returns the bytes that this process may still take: the machine's, or its container's."""
    found = [_bytes_after(proc / "meminfo", "MemAvailable:", 1024)]
    for limit, used, folder in (
        ("memory.max", "memory.current", cgroup),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", cgroup / "memory"),
    ):
        most, taken = _bytes_after(folder / limit, ""), _bytes_after(folder / used, "")
        if most is not None and taken is not None:
            # Files in the page cache count as used there, and are given up when needed.
            cached = _bytes_after(folder / "memory.stat", "inactive_file ") or 0
            found.append(most - taken + cached)
    return min((each for each in found if each is not None), default=None)


def memory(read: Callable[[], int | None] = available_memory) -> str:
    """Checks the memory that is free."""
    free = read()
    if free is not None and free < _MEMORY:
        mend = "end other programs, or raise the container's limit"
        raise Problem(f"{free / GIB:.1f} GiB free, {_MEMORY / GIB:.0f} GiB needed", mend)
    return "not known" if free is None else f"{free / GIB:.1f} GiB free"


def _bytes_after(file: Path, label: str, unit: int = 1) -> int | None:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(rf"^{re.escape(label)}\s*(\d+)", text, re.MULTILINE)
    return int(match[1]) * unit if match else None


def gpu(dev: Path = Path("/dev"), proc: Path = Path("/proc")) -> str:
    """Says which GPUs the driver shows; none is no fault."""
    models = [_model(file) for file in sorted(proc.glob("driver/nvidia/gpus/*/information"))]
    seen = len(list(dev.glob("nvidia[0-9]*")))
    if not seen:
        return "none seen, so training is on the CPU"
    return ", ".join(models) or f"{seen} seen"


def _model(information: Path) -> str:
    match = re.search(r"^Model:\s*(.+?)\s*$", information.read_text(), re.MULTILINE)
    return match[1] if match else "a GPU"


def pipeline(context: Context) -> str:
    """Checks settings, schema, model code and the data's header against each other."""
    from pipeline import preflight

    preflight.check(context.project)
    return "settings, schema, model code and the data's header fit together"


def root(context: Context) -> str:
    """Checks that the root can be written, without making it."""
    return _checked_writable(context.places.root, "BELTLINE_ROOT or local.root")


def _checked_writable(folder: Path, setting: str) -> str:
    nearest = _nearest_folder(folder)
    try:
        # It has no name in the folder, so that nothing stays behind.
        with tempfile.TemporaryFile(dir=nearest):
            return str(folder)
    except OSError as error:
        mend = f"set {setting} to one that can be"
        raise Problem(f"{nearest} can't be written ({error.strerror})", mend) from None


def _nearest_folder(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def disk(context: Context, free: int | None = None) -> str:
    """Checks the free space against what the data will need."""
    if free is None:
        free = shutil.disk_usage(_nearest_folder(context.places.root)).free
    needed = max(_DISK, _DATA_FACTOR * _data_bytes(context.project))
    shown = f"{free / GIB:.1f} GiB free"
    if free < needed:
        mend = "make room, or set BELTLINE_ROOT to a larger disk"
        raise Problem(f"{shown}, {needed / GIB:.1f} GiB needed", mend)
    return shown


def _data_bytes(project: Project) -> int:
    from pipeline import tables

    try:
        files = tables.data_files(project.resolve(project.settings.data.path))
    except WrongInput:
        # What is wrong with the data is another check's word.
        return 0
    return sum(file.stat().st_size for file in files)


def metadata(context: Context) -> str:
    """Checks that ML Metadata can be opened; a SQLite file that isn't there yet stays so."""
    from runners.metadata import Lineage, sqlite_file

    file = sqlite_file(context.places.metadata)
    if file and not file.exists():
        _checked_writable(file.parent, "BELTLINE_METADATA or local.metadata")
        return f"{file} will be made by the first run"
    try:
        runs = Lineage(context.places.metadata, context.project.settings.name).runs()
    except WrongInput as error:
        raise Problem(str(error), "start the server, or correct BELTLINE_METADATA") from None
    return f"{len(runs)} runs of {context.project.settings.name}"


def idle(context: Context) -> str:
    """Checks that no run is going on in the root."""
    busy = holder(context.places.root)
    if busy:
        raise Problem(f"a run is going on ({busy})", "wait for it, or use another BELTLINE_ROOT")
    return "no run is going on"


# In the order in which they are shown: what needs no settings, then what does.
_MACHINE: tuple[Callable[[], str], ...] = (python, machine, libraries, lock, memory, gpu)
_PROJECT: tuple[Callable[[Context], str], ...] = (pipeline, root, disk, metadata, idle)
_CHECKS = {"local": (_MACHINE, _PROJECT)}
