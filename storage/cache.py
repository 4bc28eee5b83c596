"""A folder on this machine for what was fetched from an object store, with a bound in bytes.

An entry is a folder that appears whole, by a rename. Entries that a process uses are locked by it
and stay; of the others, those that were used the longest ago leave when there are too many bytes.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from beltline.base.errors import WrongInput
from beltline.base.locks import locked

FOLDER, MEGABYTES = "BELTLINE_CACHE", "BELTLINE_CACHE_MB"
_DEFAULT_MB = 10_000
_STAGED = ".staged-"
_USED = "used"
# Nothing takes as long: whoever staged it was killed.
_ABANDONED_SECONDS = 86_400
# A process uses a version, the one before it, and one that it is about to load.
_IN_USE: deque[IO[str]] = deque(maxlen=3)
# What stays until the process ends, such as the inputs of a node.
_HELD: dict[str, IO[str]] = {}


def entry(key: str) -> Path:
    """Returns the folder of what a key stands for; it need not be there."""
    return _folder() / hashlib.sha256(key.encode()).hexdigest()[:32]


def fetched(key: str, fetch: Callable[[Path], None], stay: bool = False) -> Path:
    """Returns the folder of what a key stands for, and keeps it while it is in use here.

    The three that a process has asked for last stay, whoever else needs room.

    Args:
      key: what it is; its content never changes.
      fetch: called with a new folder to fill, if there is none of this key yet.
      stay: keep it until this process ends, however many others it asks for.

    Raises:
      WrongInput: the environment's bound is invalid.
      OSError: the disk is full or not writable, or `fetch` failed; the folder is not there.
    """
    bound, folder = _bound(), _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = entry(key)
    # Others that want the same wait, and then find it.
    with locked(folder, f".{found.name}.lock"):
        _hold(found) if stay else _use(found)
        if not found.exists():
            staged = Path(tempfile.mkdtemp(prefix=_STAGED, dir=folder))
            try:
                fetch(staged)
                staged.rename(found)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
    os.utime(found)
    with locked(folder, ".room.lock"):
        _make_room(folder, bound)
    return found


def put(key: str, folder: Path) -> None:
    """Moves a folder into the cache, as what a key stands for: nobody need fetch it here.

    Raises:
      WrongInput: the environment's bound is invalid.
      OSError: the disk is full or not writable.
    """

    def moved(staged: Path) -> None:
        for each in folder.iterdir():
            shutil.move(each, staged / each.name)

    fetched(key, moved)
    shutil.rmtree(folder, ignore_errors=True)


def _hold(found: Path) -> None:
    if found.name not in _HELD:
        _HELD[found.name] = _locked_for_use(found)


def _locked_for_use(found: Path) -> IO[str]:
    lock = found.with_name(f".{found.name}.{_USED}").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _use(found: Path) -> None:
    known = next((each for each in _IN_USE if found.name in each.name), None)
    if known:
        _IN_USE.remove(known)
        _IN_USE.append(known)
        return
    if len(_IN_USE) == _IN_USE.maxlen:
        _IN_USE[0].close()
    _IN_USE.append(_locked_for_use(found))


def _make_room(folder: Path, bound: int) -> None:
    for left in folder.glob(f"{_STAGED}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    entries = sorted(
        (each for each in folder.iterdir() if not each.name.startswith(".")),
        key=lambda each: each.stat().st_mtime,
        reverse=True,
    )
    kept = 0
    for each in entries:
        kept += sum(file.stat().st_size for file in each.rglob("*") if file.is_file())
        if kept > bound:
            _remove_unused(each)


def _remove_unused(found: Path) -> None:
    with found.with_name(f".{found.name}.{_USED}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        gone = found.with_name(f"{_STAGED}{found.name}")
        found.rename(gone)
        shutil.rmtree(gone)


def _folder() -> Path:
    named = os.environ.get(FOLDER)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named).absolute() if named else Path(caches) / "beltline"


def _bound() -> int:
    text = os.environ.get(MEGABYTES) or str(_DEFAULT_MB)
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise WrongInput(f"{MEGABYTES}={text}: not a number of megabytes, such as {_DEFAULT_MB}")
    return int(text) * 1_000_000
