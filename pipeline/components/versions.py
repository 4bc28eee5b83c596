"""Writes model versions to disk so that a reader sees a whole version or none.

A version is a numbered folder, as TensorFlow Serving expects: a SavedModel, and below
`assets.extra/` our `version.json` (where it comes from and what it reached). It is staged beside
its place, flushed to the disk and then renamed. Numbers only grow, even past deleted versions.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bundle import digest

CARD = Path("assets.extra") / "version.json"
_STAGED = ".staged-"
_COUNTER = ".last-version"


def model_digest(model: Path) -> str:
    """Returns the digest of a SavedModel's files, whatever stands in `assets.extra`."""
    files = [path for path in sorted(model.rglob("*")) if path.is_file()]
    inside = {path.relative_to(model).as_posix(): path for path in files}
    parts = {k: v.read_bytes() for k, v in inside.items() if not k.startswith("assets.extra/")}
    return digest.of_parts(parts)


def push(
    model: Path, directory: Path, card: Mapping[str, Any], answers: Path | None = None
) -> tuple[int, bool]:
    """Makes `model` the next version in `directory`; returns its number, and whether it is new.

    A model that is a version there already stays that version. `card` goes into `version.json`,
    with `version` and `digest` added; `answers` (recorded rows and answers) beside it.

    Raises:
      OSError: the disk is full or not writable, or there is no model; the directory is as it was.
    """
    if not any(model.rglob("*")):
        raise FileNotFoundError(f"{model}: there is no model")
    directory.mkdir(parents=True, exist_ok=True)
    found = model_digest(model)
    with _locked(directory):
        for version in sorted(_numbers(directory), reverse=True):
            if _digest_of(directory / str(version)) == found:
                return version, False
        _clear(directory)
        version = _next(directory)
        staged = Path(tempfile.mkdtemp(prefix=_STAGED, dir=directory))
        try:
            _fill(staged, model, {**card, "version": version, "digest": found}, answers)
            _count(directory, version)
            staged.rename(directory / str(version))
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _flush(directory)
    return version, True


def _fill(staged: Path, model: Path, card: Mapping[str, Any], answers: Path | None) -> None:
    shutil.copytree(model, staged, dirs_exist_ok=True)
    (staged / CARD).parent.mkdir(exist_ok=True)
    (staged / CARD).write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if answers:
        shutil.copyfile(answers, (staged / CARD).with_name("check_rows.json"))
    staged.chmod(0o755)
    for path in [*staged.rglob("*"), staged]:
        _flush(path)


def _next(directory: Path) -> int:
    try:
        counted = int((directory / _COUNTER).read_text())
    except (FileNotFoundError, ValueError):
        counted = 0
    return max([counted, *_numbers(directory)]) + 1


def _count(directory: Path, version: int) -> None:
    """Notes the last number, whole or not at all: half of 12 would be 1, and used before."""
    noted = directory / f"{_COUNTER}.new"
    noted.write_text(str(version))
    _flush(noted)
    noted.rename(directory / _COUNTER)
    # Before the version itself is there, lest it is deleted and its number forgotten.
    _flush(directory)


def _numbers(directory: Path) -> list[int]:
    return [int(entry.name) for entry in directory.iterdir() if entry.name.isdecimal()]


def _digest_of(version: Path) -> str | None:
    try:
        card = json.loads((version / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = card.get("digest")
    return found if isinstance(found, str) else None


def _clear(directory: Path) -> None:
    """Removes what pushes that were killed have left; we hold the lock, so none is at work."""
    for left in directory.glob(f"{_STAGED}*"):
        shutil.rmtree(left)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
