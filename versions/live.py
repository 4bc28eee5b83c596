"""Which version is live: the newest push, unless another one was promoted since.

A push is one rename: a number above all that existed at the last promotion or rollback is live as
soon as it exists. Promotions and rollbacks are recorded in `live.json`:

    {"history": [1, 2, 1], "seen": 2}

`history` has the versions that were live, in order, the last being live now; `seen` is the highest
number at that time. Deleted versions don't count. The file is replaced atomically.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beltline.base.errors import WrongInput
from beltline.base.files import replace
from beltline.base.locks import locked
from beltline.versions import tensorflow_serving
from beltline.versions.folder import numbers

RECORD = "live.json"
# Nobody rolls back further than this.
_MAX_HISTORY = 100


@dataclass(frozen=True)
class _Record:
    """The content of `live.json`."""

    history: tuple[int, ...] = ()
    seen: int = 0


def live(folder: Path) -> int | None:
    """Returns the number of the live version; None if there is none."""
    return next(iter(order(folder)), None)


def previous(folder: Path) -> int | None:
    """Returns the version that a rollback goes to; None if there is none."""
    return next(iter(order(folder)[1:]), None)


def order(folder: Path) -> list[int]:
    """Returns the live version, then those that were live before it, the latest first.

    A server that can't load the first falls back to the next.
    """
    return list(dict.fromkeys(reversed(_history(folder, numbers(folder)))))


def promote(folder: Path, number: int) -> int | None:
    """Makes a version live; returns the number of the previous live one.

    Raises:
      WrongInput: there is no such version.
      OSError: the folder can't be written.
    """
    _check(folder, number)
    with locked(folder):
        existing = _check(folder, number)
        history = _history(folder, existing)
        if history[-1] != number:
            _record(folder, [*history, number], existing)
        # Also where it is live already: versions of an older Beltline have no such file.
        tensorflow_serving.follow(folder, number)
    return history[-1]


def rollback(folder: Path) -> tuple[int, int]:
    """Rolls back to the previous version; returns the numbers of the version before and now.

    A second rollback goes one further back.

    Raises:
      WrongInput: no version was live before.
      OSError: the folder can't be written.
    """
    if not numbers(folder):
        raise WrongInput(f"{folder}: no version has been pushed yet; `beltline run` makes one")
    with locked(folder):
        existing = numbers(folder)
        history = _history(folder, existing)
        before = [number for number in history if number != history[-1]]
        if not before:
            raise WrongInput(
                f"version {history[-1]} is live, and there is no previous version; "
                "`beltline models` lists what can be promoted"
            )
        # What was live since then is dropped: a second rollback must not go forward.
        last = len(history) - history[::-1].index(before[-1])
        _record(folder, history[:last], existing)
        tensorflow_serving.follow(folder, before[-1])
    return history[-1], before[-1]


def _history(folder: Path, existing: list[int]) -> list[int]:
    record = _read(folder / RECORD)
    pushed_since = [number for number in existing if number > record.seen]
    kept = [number for number in record.history if number in existing]
    # If all of them were deleted, the newest of the others is as good a guess as any.
    return [*kept, *pushed_since] or existing


def _record(folder: Path, history: list[int], existing: list[int]) -> None:
    record = _Record(tuple(history[-_MAX_HISTORY:]), max(existing))
    replace(folder / RECORD, json.dumps(asdict(record)) + "\n")


def _read(file: Path) -> _Record:
    """Returns the record; an empty one if there is none, or it is invalid."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        return _Record(tuple(int(number) for number in found["history"]), int(found["seen"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return _Record()


def _check(folder: Path, number: int) -> list[int]:
    existing = numbers(folder)
    if number not in existing:
        known = f"existing: {', '.join(map(str, existing))}" if existing else "none pushed yet"
        raise WrongInput(f"{folder}: version {number} not found ({known})")
    return existing
