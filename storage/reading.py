"""A file-like object over an object's content, read in pieces, each of them patiently."""

import io
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pyarrow import fs

from beltline.storage.errors import StoreError, explained
from beltline.storage.filesystem import filesystem
from beltline.storage.url import ObjectUrl

_T = TypeVar("_T")
_PAUSES = (0.1, 0.4, 1.6, 3.2)


class ObjectReader(io.RawIOBase):
    """An open object, which can be read from anywhere.

    Raises:
      FileNotFoundError: there is no such object.
      StoreError: it can't be read.
    """

    def __init__(self, url: ObjectUrl) -> None:
        self._url = url
        self._file = patiently(url, lambda: filesystem(url).open_input_file(url.path))
        self._size = int(self._file.size())
        self._at = 0

    def readable(self) -> bool:
        """Returns that it can be read."""
        return True

    def seekable(self) -> bool:
        """Returns that it can be read from anywhere."""
        return True

    def size(self) -> int:
        """Returns the object's size in bytes."""
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position, and returns it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Returns the position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as there are, at most those of the buffer."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        found = patiently(self._url, lambda: self._file.read_at(wanted, self._at))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def children(url: ObjectUrl) -> dict[str, Any]:
    """Returns the names one level below a prefix, with Arrow's type of each, File or Directory.

    Raises:
      StoreError: they can't be listed.
    """
    # Of Google's store, Arrow lists the objects alone, and no prefix that others have in common.
    recursive = url.scheme == "gs"
    selector = fs.FileSelector(url.path, allow_not_found=True, recursive=recursive)
    found: dict[str, Any] = {}
    for each in patiently(url, lambda: filesystem(url).get_file_info(selector)):
        name, deeper, _ = each.path.removeprefix(f"{url.path}/").partition("/")
        found[name] = fs.FileType.Directory if deeper else each.type
    return found


def patiently(url: ObjectUrl, call: Callable[[], _T]) -> _T:
    """Returns what a call returns; repeats it where Arrow gives up at once.

    Raises:
      FileNotFoundError: there is no such object.
      StoreError: the store failed.
    """
    for pause in _PAUSES:
        try:
            with explained(url):
                return call()
        except StoreError as error:
            if not error.worth_another_try:
                raise
        time.sleep(pause)
    with explained(url):
        return call()
