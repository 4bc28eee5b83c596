"""`code.zip`: the model code as an archive that Python imports, and a process that imports it.

The same sources give the same bytes. Whoever runs a node calls `use` before anything imports model
code; processes that it spawns find the archive on the `sys.path` that they are given.
"""

import importlib
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pkgutil import extend_path

import beltline

# The earliest time that the format can hold: a file's age must not change the archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_OURS = beltline.__name__


def archive(sources: Mapping[str, bytes]) -> bytes:
    """Returns a zip of `sources` (relative path: content), without times and in order of names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, sources[name])
    return buffer.getvalue()


def packages(names: Mapping[str, bytes]) -> set[str]:
    """Returns the packages and modules that files of these relative paths make up.

    Of Beltline's own name that is the part that travels, such as `beltline.models`.
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
    """Makes this process import the archive's packages from the archive, and from nowhere else.

    A module of such a package that was imported from elsewhere before is forgotten: whoever imports
    it next gets the archive's.

    Args:
      code: the path of a `code.zip`.
    """
    with zipfile.ZipFile(code) as zipped:
        travelling = packages(dict.fromkeys(zipped.namelist(), b""))
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
