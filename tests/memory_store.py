"""An object store in this process, for fast tests: fsspec's memory, as a file system of Arrow's.

What a server does, and does wrong, is tested against a real one, see `object_store.py`.
"""

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import fs

_USERS = ("objects", "reading", "object_path")


class Memory(MemoryFileSystem):  # type: ignore[misc]
    """Objects of one test."""

    cachable = False
    writes: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.store, self.pseudo_dirs, self.writes = {}, [""], []

    def _open(self, path: str, mode: str = "rb", **options: object) -> object:
        if mode == "wb":
            self.writes.append(path.lstrip("/"))
        return super()._open(path, mode, **options)


class _Handler(fs.FSSpecHandler):  # type: ignore[misc]
    """Names objects as Arrow's own file systems do: by bucket and key."""

    @staticmethod
    def _create_file_info(path: str, info: dict[str, object]) -> object:
        return fs.FSSpecHandler._create_file_info(path.lstrip("/"), info)


def installed(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The store that every URL leads to from now on, with the paths of all writes in order."""
    memory = Memory()
    arrow = fs.PyFileSystem(_Handler(memory))
    for each in _USERS:
        monkeypatch.setattr(f"beltline.storage.{each}.filesystem", lambda url: arrow)
    return memory
