"""Which versions are kept: the live one, the one a rollback goes to, and the newest few."""

from beltline.versions.live import order_of
from beltline.versions.store import Place, store_of


def expire(place: Place, keep: int) -> list[int]:
    """Deletes all versions but the `keep` newest, the live one and the previous one.

    Returns:
      The numbers of the deleted versions.

    Raises:
      OSError: they can't be deleted.
    """
    store = store_of(place)
    with store.locked():
        state = store.state()
        kept = {*state.numbers[-keep:], *order_of(state)[:2]}
        gone = [number for number in state.numbers if number not in kept]
        store.remove(gone)
    return gone
