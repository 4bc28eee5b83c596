"""The version that somebody names, and the place of versions that they change."""

from collections.abc import Iterator
from contextlib import contextmanager

from beltline.base.errors import WrongInput
from beltline.versions.folder import Version, find, numbers
from beltline.versions.store import Place


def found_version(folder: Place, number: int) -> Version:
    """Returns the version with this number.

    Raises:
      WrongInput: the version is not found; the message lists the versions.
    """
    found = find(folder, number)
    if found is None:
        there = ", ".join(map(str, numbers(folder)))
        known = f"known: {there}" if there else "none pushed yet; create one with `beltline run`"
        raise WrongInput(f"{folder.name}: version {number} not found ({known})")
    return found


@contextmanager
def changing(folder: Place) -> Iterator[None]:
    """Wraps a change of the live version.

    Raises:
      WrongInput: the folder is not writable; nothing was changed.
    """
    try:
        yield
    except WrongInput:
        raise
    except OSError as error:
        raise WrongInput(
            f"{folder} is not writable: {error.strerror}; nothing was changed"
        ) from None
