"""Finding the data files that a path stands for, opening them, and their digest.

A new file format needs its suffixes in `FORMATS` and a reader in `pipeline/tables/__init__.py`.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from beltline.base.errors import WrongInput
from beltline.storage.object_path import ObjectPath
from beltline.storage.url import is_url, parse

File = Path | ObjectPath
"""A file of data, a folder of them or a pattern: on a disk, or in an object store."""

FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".csv.zst": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".tsv.zst": "csv",
    ".parquet": "parquet",
}


def suffix_of(file: File) -> str | None:
    """Returns the suffix in `FORMATS` that the file's name ends with, or None."""
    return next((known for known in FORMATS if file.name.lower().endswith(known)), None)


def source_path(path: str, start: Path | None = None) -> File:
    """Returns the data's path; a relative one starts at `$BELTLINE_DATA`, else at `start`.

    Preflight on a laptop and ExampleGen anywhere resolve it alike. Raises WrongInput for a URL that
    is not supported.
    """
    given = data_path(path)
    if isinstance(given, ObjectPath):
        return given
    return Path(os.environ.get("BELTLINE_DATA") or start or "") / given.expanduser()


def data_path(text: str) -> File:
    """Returns the path, or the URL, that a text spells.

    Raises WrongInput for a URL that is not supported.
    """
    return ObjectPath(parse(text)) if is_url(text) else Path(text)


def data_files(path: File) -> list[File]:
    """Returns the data files that `path` stands for, sorted by name; all of one suffix.

    `path` is a file, a folder (its data files, not those of its subfolders; hidden files and
    files of other kinds are passed over) or a path whose last part is a glob pattern.
    Raises WrongInput when nothing is found, the format is unknown or the suffixes are mixed.
    """
    files = files_there(path)
    if not files and not path.is_dir() and not is_pattern(path.name):
        raise WrongInput(f"{path}: no such file or folder")
    if not files:
        raise WrongInput(f"{path}: no data files found there (looked for {known_suffixes()})")
    check_one_format(path, files)
    return files


def files_there(path: File) -> list[File]:
    """Returns the files as `data_files`, or none; formats are not checked."""
    with readable(path):
        if path.is_dir():
            return [file for file in _members(path, "*") if suffix_of(file)]
        if path.exists():
            return [path]
        return _members(path.parent, path.name) if is_pattern(path.name) else []


def is_pattern(name: str) -> bool:
    """Returns whether a file's name is a glob pattern."""
    return any(char in name for char in "*?[")


def _members(folder: File, pattern: str) -> list[File]:
    found = [file for file in folder.glob(pattern) if not file.name.startswith(".")]
    return sorted((file for file in found if file.is_file()), key=str)


def check_one_format(path: File, files: Sequence[File]) -> None:
    """Raises WrongInput unless the files that `path` stands for are all of one known format."""
    by_suffix = {suffix_of(file): file.name for file in files}
    if None in by_suffix:
        raise WrongInput(
            f"{path}: the format of {by_suffix[None]!r} is not known; "
            f"its name must end in one of {known_suffixes()}"
        )
    if len(by_suffix) > 1:
        named = ", ".join(sorted(by_suffix.values()))
        raise WrongInput(
            f"{path}: files of different formats lie side by side ({named}); keep one format, "
            "or name the files by a pattern such as 'data/*.parquet'"
        )


def known_suffixes() -> str:
    """Returns the suffixes of the files that can be read, for a message."""
    return ", ".join(FORMATS)


def unpacked(file: File) -> pa.NativeFile:
    """Returns the file's bytes as a stream, unpacked where its suffix says that it is packed."""
    packed = (suffix_of(file) or "").rpartition(".")[2]
    codec = {"gz": "gzip", "zst": "zstd"}.get(packed)
    if isinstance(file, Path):
        return pa.input_stream(str(file), compression=codec)
    stream = pa.PythonFile(file.open(), "r")
    return pa.CompressedInputStream(stream, codec) if codec else stream


def size_of(file: File) -> int:
    """Returns a file's size in bytes."""
    return file.stat().st_size if isinstance(file, Path) else file.size()


@contextmanager
def readable(file: File) -> Iterator[None]:
    """Turns the operating system's errors while reading `file` into WrongInput."""
    try:
        yield
    except WrongInput:
        # A store's: it says where already.
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise WrongInput(f"{file}: cannot be read: {reason}") from error


def content_digest(files: Sequence[File]) -> str:
    """Returns the SHA-256 (hex) of the files' contents and formats, in the order given.

    Names, folders and times do not count: a copied or renamed file has the same digest. The
    order does, since the rows of the data set come in that order.
    """
    total = hashlib.sha256()
    for file in files:
        with readable(file), file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{suffix_of(file)} {content}\n".encode())
    return total.hexdigest()
