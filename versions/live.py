"""Which version is live: the newest push, unless somebody chose another one since.

A push is one rename: a number above all that were seen when somebody last chose is live as soon as
it is there. What was chosen stands in `live.json`:

    {"history": [1, 2, 1], "seen": 2}

`history` has what was live, in order, the last being live now; `seen` is the highest number at that
time. Versions that are gone don't count. The file is replaced whole, so a reader sees the choice
before or the one after.
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

CHOSEN = "live.json"
# What is further back than this, nobody goes back to.
_MOST_REMEMBERED = 100


@dataclass(frozen=True)
class _Chosen:
    """What `live.json` says."""

    history: tuple[int, ...] = ()
    seen: int = 0


def live(folder: Path) -> int | None:
    """Returns the number of the live version; None if there is none."""
    return next(iter(order(folder)), None)


def previous(folder: Path) -> int | None:
    """Returns the version that a rollback goes to; None if there is none."""
    return next(iter(order(folder)[1:]), None)


def order(folder: Path) -> list[int]:
    """Returns the live version, then those that were live before it, the newest first.

    Each stands where it was live last. A server that can't load the first falls back to the next.
    """
    return list(dict.fromkeys(reversed(_history(folder, numbers(folder)))))


def promote(folder: Path, number: int) -> int | None:
    """Makes a version live; returns the number of the one that was.

    Raises:
      WrongInput: there is no such version.
      OSError: the folder can't be written.
    """
    _check(folder, number)
    with locked(folder):
        there = _check(folder, number)
        history = _history(folder, there)
        if history[-1] != number:
            _choose(folder, [*history, number], there)
        # Also where it is live already: versions of an older Beltline have no such file.
        tensorflow_serving.follow(folder, number)
    return history[-1]


def rollback(folder: Path) -> tuple[int, int]:
    """Makes the version live that was before; returns the number that was live, and that is now.

    A second rollback goes one further back.

    Raises:
      WrongInput: no version was live before.
      OSError: the folder can't be written.
    """
    if not numbers(folder):
        raise WrongInput(f"{folder}: no version has been pushed yet; `beltline run` makes one")
    with locked(folder):
        there = numbers(folder)
        history = _history(folder, there)
        before = [number for number in history if number != history[-1]]
        if not before:
            raise WrongInput(
                f"version {history[-1]} is live, and none was before it; "
                "`beltline models` lists what can be promoted"
            )
        # All that was live since then is forgotten: a second rollback must not go forward.
        last = len(history) - history[::-1].index(before[-1])
        _choose(folder, history[:last], there)
        tensorflow_serving.follow(folder, before[-1])
    return history[-1], before[-1]


def _history(folder: Path, there: list[int]) -> list[int]:
    chosen = _read(folder / CHOSEN)
    pushed_since = [number for number in there if number > chosen.seen]
    kept = [number for number in chosen.history if number in there]
    # If all that were chosen are gone, the newest of the others is as good a guess as any.
    return [*kept, *pushed_since] or there


def _choose(folder: Path, history: list[int], there: list[int]) -> None:
    chosen = _Chosen(tuple(history[-_MOST_REMEMBERED:]), max(there))
    replace(folder / CHOSEN, json.dumps(asdict(chosen)) + "\n")


def _read(file: Path) -> _Chosen:
    """Returns what was chosen; nothing if nobody has, or the file is no use."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        return _Chosen(tuple(int(number) for number in found["history"]), int(found["seen"]))
    except (OSError, ValueError, TypeError, KeyError):
        return _Chosen()


def _check(folder: Path, number: int) -> list[int]:
    there = numbers(folder)
    if number not in there:
        known = f"there: {', '.join(map(str, there))}" if there else "none has been pushed yet"
        raise WrongInput(f"{folder}: there is no version {number} ({known})")
    return there
