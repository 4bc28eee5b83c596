"""What an object store holds, with the methods of `pathlib.Path` that a reader of data needs."""

import fnmatch
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pyarrow import fs

from beltline.storage.filesystem import filesystem
from beltline.storage.reading import ObjectReader, children, patiently
from beltline.storage.url import ObjectUrl

_AHEAD = 8 << 20


@dataclass(frozen=True, order=True)
class ObjectPath:
    """An object, or a prefix, as a file or a folder. Its text is the URL."""

    url: ObjectUrl

    def __str__(self) -> str:
        return str(self.url)

    def __truediv__(self, part: str) -> "ObjectPath":
        return ObjectPath(self.url / part)

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.name

    @property
    def parent(self) -> "ObjectPath":
        """What the last part is in."""
        return ObjectPath(self.url.parent)

    def exists(self) -> bool:
        """Returns whether there is such an object, or one below it."""
        return bool(self._type() != fs.FileType.NotFound)

    def is_file(self) -> bool:
        """Returns whether it is an object."""
        return bool(self._type() == fs.FileType.File)

    def is_dir(self) -> bool:
        """Returns whether there are objects below it, and it is none itself."""
        return bool(self._type() == fs.FileType.Directory)

    def size(self) -> int:
        """Returns the object's size in bytes.

        Raises:
          FileNotFoundError: there is no such object.
        """
        with ObjectReader(self.url) as found:
            return found.size()

    def iterdir(self) -> Iterator["ObjectPath"]:
        """Yields what is one level below, objects and prefixes."""
        for name in children(self.url):
            yield self / name

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Yields what is one level below and whose name fits a pattern without slashes."""
        return (each for each in self.iterdir() if fnmatch.fnmatchcase(each.name, pattern))

    def open(self, mode: Literal["rb"] = "rb") -> io.BufferedReader:
        """Returns the object's content as a stream that reads ahead.

        Raises:
          FileNotFoundError: there is no such object.
        """
        del mode
        return io.BufferedReader(ObjectReader(self.url), _AHEAD)

    def _type(self) -> Any:
        return patiently(self.url, lambda: filesystem(self.url).get_file_info(self.url.path)).type
