"""A blessed version waits until somebody approves it (`push.approval: required`).

It has its number already, and becomes the live version under it. At most one version waits: the
newest, and only while nothing newer was pushed. Approving and rejecting are recorded first and then
carried out; whoever was killed in between repeats the command.
"""

from collections.abc import Sequence

from beltline.base.errors import WrongInput
from beltline.versions.decisions import Decision, Verdict, decided
from beltline.versions.live import check_seen, compared, order_of
from beltline.versions.store import LIVE_WHEN_HELD, Place, State, VersionStore, store_of


def approve(
    place: Place, number: int, by: str = "", note: str = "", seen: Sequence[int] | None = None
) -> bool:
    """Makes the version that waits the live one; returns False if it was approved before.

    Then only what a killed command has left undone is done; the live version stays.

    Args:
      place: where the versions are.
      number: the version.
      by: who approves.
      note: why.
      seen: as `live.check_seen` has it.

    Raises:
      WrongInput: the version doesn't wait, or another one became live that it was not compared
        with.
      LiveChanged: what was seen is no longer so.
      OSError: the versions can't be written.
    """
    store = store_of(place)
    _check(place, store.state(), number, "approved")
    with store.locked():
        state = store.state()
        if not _check(place, state, number, "approved"):
            store.announce(order_of(state)[0])
            return False
        check_seen(state, seen)
        _check_live(store, state, number)
        store.decide(number, decided("approved", store.card(number), by, note))
        store.announce(number)
    return True


def reject(place: Place, number: int, by: str = "", note: str = "") -> bool:
    """Deletes the version that waits; returns False if it was rejected before.

    The same model is not held again.

    Raises:
      WrongInput: the version doesn't wait.
      OSError: the versions can't be written.
    """
    store = store_of(place)
    _check(place, store.state(), number, "rejected")
    with store.locked():
        if not _check(place, store.state(), number, "rejected"):
            return False
        store.decide(number, decided("rejected", store.card(number), by, note))
    return True


def waits(place: Place, number: int) -> bool:
    """Returns whether a version waits, and can be approved as things are.

    Raises:
      OSError: the store can't be read.
    """
    store = store_of(place)
    state = store.state()
    return number == state.waiting and compared(store.card(number), state)


def _check(place: Place, state: State, number: int, verdict: Verdict) -> bool:
    """Returns whether the version waits; False if `verdict` was carried out before."""
    if number == state.waiting:
        return True
    decision = state.decisions.get(number)
    there = number in state.numbers
    if decision and decision.verdict == verdict and there == (verdict == "approved"):
        return False
    waits = f"version {state.waiting} waits" if state.waiting else "no version waits"
    raise WrongInput(f"{place}: {_why(number, there, decision)}; {waits} for approval")


def _why(number: int, there: bool, decision: Decision | None) -> str:
    if there:
        return f"version {number} was pushed already; `promote` and `rollback` change what is live"
    if decision is None:
        return f"version {number} not found"
    if decision.verdict == "superseded":
        return f"version {number} was superseded {decision.note}".rstrip()
    if decision.verdict == "rejected":
        by = f" by {decision.by}" if decision.by else ""
        return f"version {number} was rejected{by} ({decision.at})"
    return f"version {number} was approved ({decision.at}) and deleted since"


def _check_live(store: VersionStore, state: State, number: int) -> None:
    """Raises WrongInput if a version is live that is newer than the one that was live then."""
    card = store.card(number)
    if not compared(card, state):
        then = card.get(LIVE_WHEN_HELD)
        was = f"version {then} was live" if then else "no version was live"
        raise WrongInput(
            f"version {number} was held while {was}; version {order_of(state)[0]} is live now, and "
            "the two were not compared. Run the pipeline again, or roll back first"
        )
