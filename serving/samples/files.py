"""The files of the samples: a folder that StatisticsGen reads as Examples, a split per version.

    Split-v3/data_tfrecord-20261126T040226Z-5e21c0aa-000001.gz
    staged/    what is being written

Rows are compressed into a part of their own in `staged/`. Every few seconds the file is rewritten
with that part appended (concatenated gzip members are a gzip file too), and renamed: readers see
whole files, and few of them however few requests there are. A killed server loses the current part.
A name has the time at which the file was started, and an id of the server.
"""

import secrets
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import tensorflow as tf

from beltline.base.files import publish

COMMIT_SECONDS = 5.0
"""How much a killed server may lose."""
FILE_SECONDS = 600.0
"""How long rows are appended to one file."""
_FILE_BYTES = 4 << 20
_PART_ROWS = 50_000
_FORM = "%Y%m%dT%H%M%SZ"
_BEGIN = "data_tfrecord-"
SPLIT = "Split-v"
# A part is written within seconds; older ones were left by killed servers.
_LEFT_SECONDS = 3600
# A file may grow for some seconds longer than FILE_SECONDS.
_SLACK = timedelta(seconds=FILE_SECONDS + 60)


def split_folder(folder: Path, version: int) -> Path:
    """Returns the folder of a version's samples."""
    return folder / f"{SPLIT}{version}"


def sample_files(folder: Path, begin: datetime, end: datetime) -> list[Path]:
    """Returns the files of a split that may hold rows of this time, oldest first."""
    dated = [(started_at(file), file) for file in sorted(folder.glob(f"{_BEGIN}*.gz"))]
    return [file for begun, file in dated if begun and begin - _SLACK <= begun <= end]


def started_at(file: Path) -> datetime | None:
    """Returns when a file of samples was started; None for the name of another file."""
    try:
        stamp = file.name.removeprefix(_BEGIN).partition("-")[0]
        return datetime.strptime(stamp, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


class SampleFiles:
    """Writes samples below a folder, and keeps the folder below a size.

    Args:
      folder: other servers may write there too.
      megabytes: maximal size of all samples there; the oldest files are deleted first.
    """

    def __init__(self, folder: Path, megabytes: int):
        self._folder = folder
        self._most_bytes = megabytes << 20
        self._file_bytes = min(_FILE_BYTES, self._most_bytes // 8)
        self._writer = secrets.token_hex(4)
        self._count = 0
        self._open: dict[int, _File] = {}
        self._visible = 0

    def write(self, version: int, records: list[bytes]) -> int:
        """Adds serialized tf.Examples to the version's file; `commit` makes them visible.

        Returns:
          How many are larger than a file may be, and were left out.

        Raises:
          OSError, tf.errors.OpError: the disk is full, or can't be written.
        """
        fitting = [record for record in records if len(record) <= self._file_bytes]
        for record in fitting:
            if version not in self._open:
                self._open[version] = self._begin(version)
            self._open[version].write(record)
            if self._open[version].is_whole(self._file_bytes):
                self._visible += self._commit(version)
        return len(records) - len(fitting)

    def commit(self, everything: bool = False) -> int:
        """Makes the rows visible that have waited for long enough.

        Returns:
          How many rows have become visible since the last call.

        Raises:
          OSError, tf.errors.OpError: the disk is full, or can't be written.
        """
        for version, file in list(self._open.items()):
            if everything or file.is_due or file.is_full(self._file_bytes):
                self._visible += self._commit(version, last=everything)
        rows, self._visible = self._visible, 0
        return rows

    def abandon(self) -> int:
        """Discards the rows that are not visible yet; returns how many."""
        rows = sum(file.abandon() for file in self._open.values())
        self._open.clear()
        return rows

    def _commit(self, version: int, last: bool = False) -> int:
        file = self._open[version]
        rows = file.commit()
        if last or file.is_full(self._file_bytes):
            del self._open[version]
        return rows

    def _begin(self, version: int) -> "_File":
        split, staged = split_folder(self._folder, version), self._folder / "staged"
        # For its owner alone: it holds what callers have sent.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        split.mkdir(exist_ok=True)
        staged.mkdir(exist_ok=True)
        _delete_leftovers(staged)
        _delete_oldest(self._folder, self._most_bytes - self._file_bytes)
        self._count += 1
        begun = datetime.now(UTC).strftime(_FORM)
        name = f"{_BEGIN}{begun}-{self._writer}-{self._count:06d}.gz"
        return _File(split / name, staged / f"v{version}-{name}")


class _File:
    """A file that grows by whole parts."""

    def __init__(self, file: Path, part: Path):
        self._file = file
        self._part = part
        self._begun = time.monotonic()
        self._writer: tf.io.TFRecordWriter | None = None
        self._rows = self._bytes = 0
        self._since = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the current part has waited for long enough."""
        waited = time.monotonic() - self._since >= COMMIT_SECONDS
        return self._writer is not None and waited

    def is_whole(self, most_bytes: int) -> bool:
        """Whether the current part is large enough."""
        return self._rows >= _PART_ROWS or self._bytes >= most_bytes

    def is_full(self, most_bytes: int) -> bool:
        """Whether the next rows belong in another file."""
        if self._writer is not None:
            return False
        old = time.monotonic() - self._begun >= FILE_SECONDS
        return old or (self._file.exists() and self._file.stat().st_size >= most_bytes)

    def write(self, record: bytes) -> None:
        if self._writer is None:
            options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
            self._writer = tf.io.TFRecordWriter(str(self._part), options)
            self._since = time.monotonic()
        self._writer.write(record)
        self._rows += 1
        self._bytes += len(record)

    def commit(self) -> int:
        """Appends the current part to the file; returns its rows."""
        if self._writer is None:
            return 0
        self._writer.close()
        # Staged elsewhere: a reader's pattern would match a hidden file too.
        whole = self._part.with_suffix(".whole")
        with whole.open("wb") as out:
            for source in (self._file, self._part):
                if source.exists():
                    with source.open("rb") as compressed:
                        shutil.copyfileobj(compressed, out)
        publish(whole, self._file)
        return self._forget()

    def abandon(self) -> int:
        """Discards the current part; returns its rows."""
        return self._forget()

    def _forget(self) -> int:
        rows, self._rows, self._bytes, self._writer = self._rows, 0, 0, None
        self._part.unlink(missing_ok=True)
        return rows


def _delete_leftovers(staged: Path) -> None:
    for left in staged.iterdir():
        # Another server may have deleted it already.
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


def _delete_oldest(folder: Path, most_bytes: int) -> None:
    """Deletes the oldest files until those of all versions together have at most `most_bytes`."""
    newest_first = sorted(
        folder.glob(f"{SPLIT}*/{_BEGIN}*.gz"),
        key=lambda file: file.name,
        reverse=True,
    )
    for file in newest_first:
        with suppress(FileNotFoundError):
            most_bytes -= file.stat().st_size
            if most_bytes < 0:
                file.unlink()
