"""The versions of a pipeline's model, as the pages show them, and what can be done with each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from beltline.base.errors import WrongInput
from beltline.versions import approval, folder
from beltline.versions.decisions import Decision
from beltline.versions.folder import Version
from beltline.versions.live import order_of
from beltline.versions.store import Place, State, store_of


@dataclass(frozen=True)
class Row:
    """A version. `state` is live, previous, waiting or empty; `pushed` is in seconds.

    `actions` are what can be done with it: promote, rollback, approve, reject.
    """

    version: Version
    state: str
    pushed: float | None
    decision: Decision | None
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """Every version, the newest first, and the one that waits before them.

    `gone` are the decisions about versions that never became live, the latest first.
    """

    rows: list[Row]
    metrics: list[str]
    gone: Mapping[int, Decision]


def overview(place: Place) -> Overview:
    """Returns what there is.

    Raises:
      WrongInput: the versions can't be read.
    """
    try:
        state = store_of(place).state()
        held = folder.waiting(place)
        found = [*folder.versions(place), *([held] if held else [])][::-1]
        rows = [_row(place, state, each) for each in found]
    except OSError as error:
        raise _unreadable(place, error) from None
    there = {row.version.number for row in rows}
    return Overview(
        rows=rows,
        metrics=sorted({name for each in found for name in each.metrics}),
        gone={
            number: each
            for number, each in sorted(state.decisions.items(), reverse=True)
            if number not in there and each.verdict != "approved"
        },
    )


def row_of(place: Place, number: int) -> Row | None:
    """Returns one version, also one that waits; None if there is no such one.

    Raises:
      WrongInput: the versions can't be read.
    """
    try:
        state = store_of(place).state()
        waits = number == state.waiting
        found = folder.waiting(place) if waits else folder.find(place, number)
        # Another one may wait by now.
        return _row(place, state, found) if found and found.number == number else None
    except OSError as error:
        raise _unreadable(place, error) from None


def live_and_previous(place: Place) -> list[int]:
    """Returns the live version and the one before it, as far as there are any.

    Raises:
      WrongInput: the versions can't be read.
    """
    try:
        return order_of(store_of(place).state())[:2]
    except OSError as error:
        raise _unreadable(place, error) from None


def _row(place: Place, state: State, version: Version) -> Row:
    number = version.number
    name = _state(number, state)
    return Row(
        version=version,
        state=name,
        pushed=_seconds(version.pushed),
        decision=state.decisions.get(number),
        actions=_actions(place, number, name, state),
    )


def _state(number: int, state: State) -> str:
    named = dict(zip(order_of(state)[:2], ("live", "previous"), strict=False))
    return "waiting" if number == state.waiting else named.get(number, "")


def _actions(place: Place, number: int, name: str, state: State) -> tuple[str, ...]:
    if name == "waiting":
        return ("approve", "reject") if approval.waits(place, number) else ("reject",)
    if name == "live":
        return ("rollback",) if len(order_of(state)) > 1 else ()
    return ("promote",)


def _seconds(iso: str) -> float | None:
    try:
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError):
        return None


def _unreadable(place: Place, error: OSError) -> WrongInput:
    return WrongInput(f"{place} can't be read: {error.strerror or error}")
