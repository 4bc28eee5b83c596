"""Which versions are kept: the live one, the one a rollback goes to, and the newest few.

A version is deleted atomically: it is renamed to a hidden name first.
"""

import shutil
from pathlib import Path

from beltline.base.locks import locked
from beltline.versions.folder import numbers
from beltline.versions.live import order

STAGED = ".staged-"
_GONE = ".gone-"


def expire(folder: Path, keep: int) -> list[int]:
    """Deletes all versions but the `keep` newest, the live one and the previous one.

    Returns:
      The numbers of the deleted versions.

    Raises:
      OSError: the folder can't be written.
    """
    with locked(folder):
        there = numbers(folder)
        kept = {*there[-keep:], *order(folder)[:2]}
        gone = [number for number in there if number not in kept]
        for number in gone:
            (folder / str(number)).rename(folder / f"{_GONE}{number}")
        clear(folder)
    return gone


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
