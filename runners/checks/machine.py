"""The checks of a machine that need no settings.

To add one, write a function that returns a line or raises `Problem`, and list it in `MACHINE`.
"""

import multiprocessing
import platform
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from beltline.base import digest
from beltline.bundle import environment
from beltline.runners.checks.finding import Problem

GIB = 2**30
_PYTHON, _GLIBC = (3, 11), (2, 28)
_LIBRARIES = ("tfx", "tensorflow", "tfx-bsl", "ml-metadata", "apache-beam", "keras")
_MEMORY = 2 * GIB
_LOCK = Path("requirements") / "pipeline.txt"


def python(found: tuple[int, ...] = sys.version_info[:3]) -> str:
    """Checks that this is a Python version that TFX supports."""
    if found[:2] != _PYTHON:
        shown = ".".join(map(str, found))
        raise Problem(f"Python {shown}; TFX needs 3.11", "`make setup` finds or downloads it")
    return sys.prefix


def machine(
    system: str = f"{platform.system()}-{platform.machine()}",
    libc: tuple[str, str] = platform.libc_ver(),
) -> str:
    """Checks the operating system, the processor and the C library."""
    fix = "run on Linux x86_64 with glibc 2.28 or later, or in the image"
    if system != "Linux-x86_64":
        raise Problem(f"TFX has no wheels for {system}", fix)
    name, release = libc
    if name != "glibc" or tuple(map(int, re.findall(r"\d+", release)[:2])) < _GLIBC:
        raise Problem(f"C library '{name} {release}'; TFX needs glibc 2.28 or later", fix)
    return f"{system}, {name} {release}"


def libraries(locked: str | None = None) -> str:
    """Checks that TFX and its main dependencies are installed at their locked versions."""
    text = _locked() if locked is None else locked
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE))
    found = {name: _installed(name) for name in _LIBRARIES}
    wrong = [
        f"{name} {here or 'missing'}" + (f" (locked: {pins[name]})" if name in pins else "")
        for name, here in found.items()
        if not here or here != pins.get(name, here)
    ]
    if wrong:
        raise Problem(", ".join(wrong), "`make setup` installs the locked versions")
    return ", ".join(f"{name} {here}" for name, here in found.items())


def _installed(name: str) -> str:
    # The image's TensorFlow has no CUDA kernels, and another name.
    for each in (name, f"{name}-cpu"):
        with suppress(PackageNotFoundError):
            return version(each)
    return ""


def lock(here: str | None = None, locked: str | None = None) -> str:
    """Checks that the environment was installed from the lock file of this checkout."""
    here = environment.lock_digest() if here is None else here
    text = _locked() if locked is None else locked
    if here == "unlocked":
        return "unlocked: installed without a lock file, so versions may differ between machines"
    if text and here != digest.of_lock(text)[:16]:
        wanted = digest.of_lock(text)[:16]
        raise Problem(f"installed from lock {here}; {_LOCK} is {wanted}", "run `make setup`")
    return here


def _locked() -> str:
    """Returns the lock file's text; empty where Beltline was installed without its sources."""
    # The checkout, where the package links to its folders.
    sources = Path(environment.__file__).resolve().parent.parent
    file = sources / _LOCK
    there = (sources / "setup.py").is_file() and file.is_file()
    return file.read_text(encoding="utf-8") if there else ""


def available_memory(
    proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Returns the bytes of memory available to this process, of the machine or its container."""
    found = [_bytes_after(proc / "meminfo", "MemAvailable:", 1024)]
    for limit, used, folder in (
        ("memory.max", "memory.current", cgroup),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", cgroup / "memory"),
    ):
        most, taken = _bytes_after(folder / limit, ""), _bytes_after(folder / used, "")
        if most is not None and taken is not None:
            # The page cache counts as used there, and is reclaimed when needed.
            cached = _bytes_after(folder / "memory.stat", "inactive_file ") or 0
            found.append(most - taken + cached)
    return min((each for each in found if each is not None), default=None)


def memory(read: Callable[[], int | None] = available_memory) -> str:
    """Checks the free memory."""
    free = read()
    if free is not None and free < _MEMORY:
        fix = "stop other programs, or raise the container's limit"
        raise Problem(f"{free / GIB:.1f} GiB free, {_MEMORY / GIB:.0f} GiB needed", fix)
    return "unknown" if free is None else f"{free / GIB:.1f} GiB free"


def _bytes_after(file: Path, label: str, unit: int = 1) -> int | None:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(rf"^{re.escape(label)}\s*(\d+)", text, re.MULTILINE)
    return int(match[1]) * unit if match else None


def gpu(dev: Path = Path("/dev"), proc: Path = Path("/proc")) -> str:
    """Returns the GPUs that the driver reports; a machine without one passes."""
    models = [_model(file) for file in sorted(proc.glob("driver/nvidia/gpus/*/information"))]
    seen = len(list(dev.glob("nvidia[0-9]*")))
    if not seen:
        return "none found; training runs on the CPU"
    return ", ".join(models) or f"{seen} found"


def _model(information: Path) -> str:
    match = re.search(r"^Model:\s*(.+?)\s*$", information.read_text(), re.MULTILINE)
    return match[1] if match else "a GPU"


def semaphores() -> str:
    """Checks that processes can share a lock, which Beam needs."""
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError as error:
        fix = "make /dev/shm writable for everybody (mode 1777)"
        raise Problem(f"processes can't share a lock: {error.strerror}", fix) from None
    return "processes can share a lock"


MACHINE: tuple[Callable[[], str], ...] = (
    python,
    machine,
    libraries,
    lock,
    memory,
    semaphores,
    gpu,
)
