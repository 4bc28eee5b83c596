"""`code.zip`: the model code as an archive that Python imports.

Identical sources give an identical archive. A node runner calls `use` before anything imports model
code; processes that it spawns inherit the `sys.path` with the archive.
"""

import importlib
import io
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from pkgutil import extend_path

import beltline

# The format's earliest time: the age of a file must not change the archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_OURS = beltline.__name__


def archive(sources: Mapping[str, bytes]) -> bytes:
    """Returns a zip of `sources` (relative path: content), sorted by name and without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, sources[name])
    return buffer.getvalue()


def packages(names: Iterable[str]) -> set[str]:
    """Returns the top-level packages and modules of files with these relative paths.

    Of Beltline itself, the part that travels, such as `beltline.models`.
    """
    found = set()
    for name in names:
        first, *rest = Path(name).with_suffix("").parts
        if first != _OURS:
            found.add(first)
        elif len(rest) > 1:
            found.add(f"{first}.{rest[0]}")
    return found


def use(code: Path) -> None:
    """Makes this process import the archive's packages from the archive alone.

    Modules of these packages that were imported already are removed from `sys.modules`, so that
    the next import gets the archive's.

    Args:
      code: the path of a `code.zip`.
    """
    with zipfile.ZipFile(code) as zipped:
        travelling = packages(zipped.namelist())
    for name in travelling:
        _forget(name)
    sys.path.insert(0, str(code))
    importlib.invalidate_caches()
    beltline.__path__ = extend_path([f"{code}/{_OURS}"], _OURS)


def _forget(package: str) -> None:
    for name in [*sys.modules]:
        if name == package or name.startswith(f"{package}."):
            del sys.modules[name]
    parent, _, child = package.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)
