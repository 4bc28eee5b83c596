"""The versions in a folder: pushed and deleted by renames, chosen by a small file.

    live.json        {"history": [1, 2, 1], "seen": 2}
    approvals.json   {"3": {"verdict": "approved", …}}

are replaced atomically; see `store.State` for what they say. A version that waits for approval has
a hidden name, `.waiting-3`, which TensorFlow Serving ignores.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beltline.base.files import publish, replace
from beltline.base.locks import locked
from beltline.versions import decisions, tensorflow_serving
from beltline.versions.decisions import Decision
from beltline.versions.folder import MODEL, card_of
from beltline.versions.store import State

RECORD = "live.json"
APPROVALS = "approvals.json"
STAGED = ".staged-"
WAITING = ".waiting-"
_GONE = ".gone-"


class LocalVersions:
    """The versions in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def state(self) -> State:
        """Returns what there is; nothing if there is no such folder."""
        history, seen = _record(self._folder / RECORD)
        there = tuple(_numbers(self._folder))
        # A push that was killed may have left one that it has superseded.
        waits = [number for number in held(self._folder) if number > max(there, default=0)]
        return State(there, history, seen, max(waits, default=None), _decisions(self._folder))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder's lock."""
        with locked(self._folder):
            yield

    def choose(self, history: Sequence[int], seen: int) -> None:
        """Replaces the record."""
        text = json.dumps({"history": list(history), "seen": seen})
        replace(self._folder / RECORD, f"{text}\n")

    def announce(self, live: int) -> None:
        """Configures TensorFlow Serving."""
        tensorflow_serving.follow(self._folder, live)

    def card(self, number: int) -> Mapping[str, Any]:
        """Returns a version's card."""
        return card_of(self.path(number))

    def path(self, number: int) -> Path:
        """Returns a version's folder, also of one that waits."""
        there, waits = self._folder / str(number), self._folder / f"{WAITING}{number}"
        return waits if waits.is_dir() and not there.exists() else there

    def fetch(self, number: int) -> None:
        """Does nothing: the files are here."""

    def push(
        self,
        model: Path,
        digest: str,
        card: Mapping[str, Any],
        extra: Mapping[Path, Path],
        hold: bool = False,
    ) -> tuple[int, bool]:
        """Adds a version by a rename."""
        from beltline.versions.local_push import push

        return push(self._folder, model, digest, card, extra, hold)

    def decide(self, number: int, decision: Decision) -> None:
        """Replaces the file of decisions, then renames the version, to its number or away."""
        every = decisions.added(_decisions(self._folder), number, decision)
        replace(self._folder / APPROVALS, f"{json.dumps(decisions.plain(every), indent=1)}\n")
        waits = self._folder / f"{WAITING}{number}"
        if decision.verdict == "approved":
            publish(waits, self._folder / str(number))
        else:
            waits.rename(self._folder / f"{_GONE}{number}")
            clear(self._folder)

    def remove(self, numbers: Sequence[int]) -> None:
        """Renames versions to a hidden name, and then deletes them."""
        for number in numbers:
            (self._folder / str(number)).rename(self._folder / f"{_GONE}{number}")
        clear(self._folder)


def clear(folder: Path) -> None:
    """Removes what killed processes left behind; the caller holds the lock, so none is running.

    Raises:
      OSError: it can't be removed.
    """
    for left in [*folder.glob(f"{STAGED}*"), *folder.glob(f"{_GONE}*")]:
        if left.is_symlink():
            # A version may be a link to a folder elsewhere, which stays.
            left.unlink()
        else:
            shutil.rmtree(left)


def held(folder: Path) -> list[int]:
    """Returns the numbers of the versions that were held, ascending."""
    names = [entry.name.removeprefix(WAITING) for entry in folder.glob(f"{WAITING}*")]
    return sorted(int(name) for name in names if _is_number(name))


def _decisions(folder: Path) -> dict[int, Decision]:
    try:
        return decisions.parsed(json.loads((folder / APPROVALS).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _numbers(folder: Path) -> list[int]:
    try:
        entries = [entry for entry in folder.iterdir() if _is_number(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(entry.name) for entry in entries if (entry / MODEL).is_file())


def _is_number(name: str) -> bool:
    # A server looks for `7`, not for `007`.
    return name.isascii() and name.isdecimal() and str(int(name)) == name


def _record(file: Path) -> tuple[tuple[int, ...], int]:
    """Returns the history and the highest number seen; nothing if the record is invalid."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        return tuple(int(number) for number in found["history"]), int(found["seen"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return (), 0
