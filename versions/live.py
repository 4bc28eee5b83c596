"""Which version is live: the newest push, unless another one was promoted since.

A push is one write: a number above all that existed at the last promotion or rollback is live as
soon as it exists. Promotions and rollbacks are recorded as `store.State` has them, by one write
too. Deleted versions don't count.
"""

from beltline.base.errors import WrongInput
from beltline.versions.store import Place, State, store_of

# Nobody rolls back further than this.
_MAX_HISTORY = 100


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


def promote(place: Place, number: int) -> int | None:
    """Makes a version live; returns the number of the previous live one.

    Raises:
      WrongInput: there is no such version.
      OSError: the choice can't be written.
    """
    store = store_of(place)
    _check(place, store.state(), number)
    with store.locked():
        state = store.state()
        _check(place, state, number)
        history = _history(state)
        if history[-1] != number:
            store.choose([*history, number][-_MAX_HISTORY:], max(state.numbers))
        # Also where it is live already: versions of an older Beltline were not announced.
        store.announce(number)
    return history[-1]


def rollback(place: Place) -> tuple[int, int]:
    """Rolls back to the previous version; returns the numbers of the version before and now.

    A second rollback goes one further back.

    Raises:
      WrongInput: no version was live before.
      OSError: the choice can't be written.
    """
    store = store_of(place)
    if not store.state().numbers:
        raise WrongInput(f"{place}: no version has been pushed yet; `beltline run` makes one")
    with store.locked():
        state = store.state()
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
