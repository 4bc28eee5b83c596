"""The number of a version, as commands take it, and the folder that they change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.versions.folder import Version, find, numbers


def found_version(folder: Path, number: int) -> Version:
    """Returns the version of this number.

    Raises:
      WrongInput: there is none; the message says which there are.
    """
    found = find(folder, number)
    if found is None:
        there = ", ".join(map(str, numbers(folder)))
        known = f"there: {there}" if there else "none has been pushed yet; `beltline run` makes one"
        raise WrongInput(f"{folder.name}: no version {number} ({known})")
    return found


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Holds while the live version is changed.

    Raises:
      WrongInput: the folder can't be written; nothing was changed.
    """
    try:
        yield
    except OSError as error:
        raise WrongInput(
            f"{folder} can't be written: {error.strerror}; nothing was changed"
        ) from None
