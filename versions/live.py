"""Which version is live: the newest push, unless another one was promoted since.

A push is one write: a number above all that existed at the last promotion or rollback is live as
soon as it exists. Promotions and rollbacks are recorded as `store.State` has them, by one write
too. Deleted versions don't count.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from beltline.base.errors import WrongInput
from beltline.versions.store import LIVE_WHEN_HELD, Place, State, store_of

# Nobody rolls back further than this.
_MAX_HISTORY = 100


class LiveChanged(WrongInput):
    """Another version became live than somebody has seen who now changes it."""


def live(place: Place) -> int | None:
    """Returns the number of the live version; None if there is none."""
    return next(iter(order(place)), None)


def previous(place: Place) -> int | None:
    """Returns the version that a rollback goes to; None if there is none."""
    return next(iter(order(place)[1:]), None)


def order(place: Place) -> list[int]:
    """Returns the live version, then those that were live before it, the latest first.

    A server that can't load the first falls back to the next.
    """
    return order_of(store_of(place).state())


def order_of(state: State) -> list[int]:
    """Returns the same of what has been read already."""
    return list(dict.fromkeys(reversed(_history(state))))


def compared(card: Mapping[str, Any], state: State) -> bool:
    """Returns whether a version that waits was compared with the live one, or with a later one.

    Args:
      card: the card of the version that waits.
      state: what there is.
    """
    then = card.get(LIVE_WHEN_HELD)
    return next(iter(order_of(state)), 0) <= (then if isinstance(then, int) else 0)


def check_seen(state: State, seen: Sequence[int] | None) -> None:
    """Checks that what somebody has seen is still so; the caller holds the lock.

    Args:
      state: what there is now.
      seen: the version that was live and the previous one, as `order` has them; None for whoever
        has not looked.

    Raises:
      LiveChanged: it isn't.
    """
    now = order_of(state)[:2]
    if seen is not None and list(seen) != now:
        names = ("live", "the previous one")
        there = " and ".join(f"version {n} is {name}" for n, name in zip(now, names, strict=False))
        raise LiveChanged(
            "the live version, or the one before it, was changed meanwhile: "
            f"{there or 'no version is live'} now"
        )


def promote(place: Place, number: int, seen: Sequence[int] | None = None) -> int | None:
    """Makes a version live; returns the number of the previous live one.

    Args:
      place: where the versions are.
      number: the version.
      seen: as `check_seen` has it.

    Raises:
      WrongInput: there is no such version.
      LiveChanged: what was seen is no longer so.
      OSError: the choice can't be written.
    """
    store = store_of(place)
    _check(place, store.state(), number)
    with store.locked():
        state = store.state()
        _check(place, state, number)
        check_seen(state, seen)
        history = _history(state)
        if history[-1] != number:
            store.choose([*history, number][-_MAX_HISTORY:], max(state.numbers))
        # Also where it is live already: versions of an older Beltline were not announced.
        store.announce(number)
    return history[-1]


def rollback(place: Place, seen: Sequence[int] | None = None) -> tuple[int, int]:
    """Rolls back to the previous version; returns the numbers of the version before and now.

    A second rollback goes one further back.

    Args:
      place: where the versions are.
      seen: as `check_seen` has it.

    Raises:
      WrongInput: no version was live before.
      LiveChanged: what was seen is no longer so.
      OSError: the choice can't be written.
    """
    store = store_of(place)
    if not store.state().numbers:
        raise WrongInput(f"{place}: no version has been pushed yet; `beltline run` makes one")
    with store.locked():
        state = store.state()
        check_seen(state, seen)
        history = _history(state)
        before = [number for number in history if number != history[-1]]
        if not before:
            raise WrongInput(
                f"version {history[-1]} is live, and there is no previous version; "
                "`beltline models` lists what can be promoted"
            )
        # What was live since then is dropped: a second rollback must not go forward.
        last = len(history) - history[::-1].index(before[-1])
        store.choose(history[:last][-_MAX_HISTORY:], max(state.numbers))
        store.announce(before[-1])
    return history[-1], before[-1]


def _history(state: State) -> list[int]:
    pushed_since = [number for number in state.numbers if number > state.seen]
    kept = [number for number in state.history if number in state.numbers]
    # If all of them were deleted, the newest of the others is as good a guess as any.
    return [*kept, *pushed_since] or list(state.numbers)


def _check(place: Place, state: State, number: int) -> None:
    existing = state.numbers
    if number not in existing:
        known = f"existing: {', '.join(map(str, existing))}" if existing else "none pushed yet"
        raise WrongInput(f"{place}: version {number} not found ({known})")
