"""Objects: reading, writing, listing and deleting.

A write that fails may still have been carried out: its answer can be lost. Whoever repeats one
must be able to.
"""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyarrow import fs

from beltline.storage.errors import explained, explained_write
from beltline.storage.filesystem import filesystem
from beltline.storage.reading import ObjectReader, children
from beltline.storage.url import ObjectUrl

_AT_ONCE = 8
_CHUNK = 8 << 20


def read(url: ObjectUrl) -> bytes:
    """Returns an object's content.

    Where it is replaced by a longer one at this moment, the end may lack: whoever reads what is
    replaced must be able to tell.

    Raises:
      FileNotFoundError: there is no such object.
      StoreError: it can't be read.
    """
    with ObjectReader(url) as found:
        return found.readall()


def write(url: ObjectUrl, content: bytes) -> None:
    """Writes an object, or replaces it; readers see the old content or the new one.

    Raises:
      StoreError: it can't be written.
    """
    with (
        explained_write(url),
        filesystem(url).open_output_stream(url.path, compression=None) as stream,
    ):
        stream.write(content)


def upload(files: Mapping[ObjectUrl, Path]) -> None:
    """Uploads files, several at a time, in parts that are held in memory one by one.

    If it fails, some of the objects may be there, and one of them by half: nobody may know of them
    yet.

    Raises:
      StoreError: one can't be written; others may be there.
      OSError: one can't be read.
    """
    _each(_upload, files)


def download(objects: Mapping[ObjectUrl, Path]) -> None:
    """Downloads objects into new files, several at a time; makes the folders.

    Raises:
      FileNotFoundError: there is no such object.
      StoreError: one can't be read.
    """
    _each(_download, objects)


def prefixes(url: ObjectUrl) -> list[ObjectUrl]:
    """Returns the prefixes one level below another.

    Raises:
      StoreError: they can't be listed.
    """
    return [url / name for name, kind in children(url).items() if kind == fs.FileType.Directory]


def delete(url: ObjectUrl) -> None:
    """Deletes an object; there need be none.

    Raises:
      StoreError: it can't be deleted.
    """
    try:
        with explained(url):
            filesystem(url).delete_file(url.path)
    except FileNotFoundError:
        pass


def delete_below(url: ObjectUrl) -> None:
    """Deletes all objects below a prefix; there need be none.

    Raises:
      StoreError: they can't be deleted.
    """
    try:
        with explained(url):
            filesystem(url).delete_dir(url.path)
    except FileNotFoundError:
        pass


def _each(do: Callable[[ObjectUrl, Path], None], files: Mapping[ObjectUrl, Path]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(do, files.keys(), files.values()))


def _upload(url: ObjectUrl, file: Path) -> None:
    store = filesystem(url)
    with file.open("rb") as content:
        with explained_write(url):
            stream = store.open_output_stream(url.path, compression=None)
        while chunk := content.read(_CHUNK):
            with explained_write(url):
                stream.write(chunk)
        with explained_write(url):
            stream.close()


def _download(url: ObjectUrl, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target, ObjectReader(url) as found:
        shutil.copyfileobj(found, target, _CHUNK)
