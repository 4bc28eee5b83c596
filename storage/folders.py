"""Folders in an object store, each with a manifest that is written last.

    <url>/…               the files
    <url>/.folder.json    each file with its size and SHA-256, and the folders

What has no manifest does not exist: readers see a folder whole or not at all, and find its files by
name. No listing is needed, which in some stores lags.
"""

import errno
import fnmatch
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.storage import cache
from beltline.storage.errors import StoreError
from beltline.storage.url import ObjectUrl, is_url, parse

MANIFEST = ".folder.json"


def upload(url: ObjectUrl, folder: Path) -> None:
    """Uploads a folder: its files, and then the manifest.

    Raises:
      StoreError: it can't be written; without a manifest, nobody sees what was.
      OSError: a file can't be read.
    """
    # Only an object store needs Arrow, here and below.
    from beltline.storage import objects

    found = sorted(folder.rglob("*"))
    files = {each.relative_to(folder).as_posix(): each for each in found if each.is_file()}
    described = {name: _described(file) for name, file in files.items()}
    folders = [each.relative_to(folder).as_posix() for each in found if each.is_dir()]
    objects.upload({url / name: file for name, file in files.items()})
    manifest = json.dumps({"files": described, "folders": folders}, indent=1)
    objects.write(url / MANIFEST, manifest.encode())


def exists(place: str) -> bool:
    """Returns whether there is a folder at a path or a URL.

    Raises:
      StoreError: the store can't be read.
    """
    if not is_url(place):
        return Path(place).exists()
    from beltline.storage import objects

    try:
        objects.read(parse(place) / MANIFEST)
    except FileNotFoundError:
        return False
    return True


def local(place: str, *patterns: str, stay: bool = False) -> Path:
    """Returns a folder on this machine with what is at a path or a URL.

    What is at a URL comes from the cache, or is fetched into it. A path is returned as it is.

    Args:
      place: the path or the URL.
      patterns: the only files to fetch, such as `rejects/*`; by default all.
      stay: whether it stays in the cache for as long as this process runs.

    Raises:
      StoreError: it is not there, not what was uploaded, or can't be read.
    """
    if not is_url(place):
        return Path(place)
    url = parse(place)
    if patterns and cache.entry(place).exists():
        patterns = ()
    key = " ".join([place, *patterns])
    return cache.fetched(key, lambda folder: _download(url, folder, patterns), stay)


def _download(url: ObjectUrl, folder: Path, patterns: tuple[str, ...]) -> None:
    from beltline.storage import objects

    manifest = _manifest(url)
    wanted: dict[str, Any] = {
        name: described
        for name, described in manifest["files"].items()
        if not patterns or any(fnmatch.fnmatchcase(name, each) for each in patterns)
    }
    for name in manifest["folders"]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        objects.download({url / name: folder / name for name in wanted})
    except FileNotFoundError:
        raise StoreError(errno.ENOENT, "a file of it was deleted", str(url)) from None
    for name, described in wanted.items():
        if _described(folder / name) != described:
            why = f"{name} is not what was uploaded (the digest in {MANIFEST} differs)"
            raise StoreError(errno.EIO, why, str(url))


def _manifest(url: ObjectUrl) -> Mapping[str, Any]:
    from beltline.storage import objects

    try:
        found = json.loads(objects.read(url / MANIFEST))
        if all(_is_within(name) for name in [*found["files"], *found["folders"]]):
            return dict(found)
    except FileNotFoundError:
        raise StoreError(errno.ENOENT, "it was deleted, or never completed", str(url)) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise StoreError(errno.EIO, f"{MANIFEST} is not a manifest", str(url))


def _is_within(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and ".." not in parts and not Path(name).is_absolute()


def _described(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"size": file.stat().st_size, "sha256": found}
