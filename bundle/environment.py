"""What this Python environment was installed from: its lock's digest, and which Beltline it is."""

import functools
import sys
from pathlib import Path

from beltline.base import digest
from beltline.base.errors import WrongInput

VERSION = "0.1.0"

# `make setup` (and the image's build) copies the lock that it installed to here.
LOCK = "beltline.lock"

# What a node runs of Beltline's installation. Not `models`: the bundle brings that along.
PACKAGES = ("base", "bundle", "pipeline", "runners", "serving", "versions")


@functools.cache
def lock_digest() -> str:
    """Returns the digest of the lock that this environment was installed from.

    `unlocked` where it was installed without one.
    """
    lock = Path(sys.prefix) / LOCK
    return digest.of_lock(lock.read_text())[:16] if lock.exists() else "unlocked"


@functools.cache
def source_digest() -> str:
    """Returns the digest of Beltline's own sources as they are installed here.

    An image and a checkout that agree in it run a bundle alike. Bytecode doesn't count.
    """
    here = Path(__file__).parents[1]
    sources = [digest.source_files(here / package) for package in PACKAGES]
    return digest.of_parts({name: text for part in sources for name, text in part.items()})[:16]


def check_lock(compiled_with: str) -> None:
    """Raises WrongInput if a bundle was compiled with other library versions than are here."""
    if "unlocked" not in (compiled_with, lock_digest()) and compiled_with != lock_digest():
        raise WrongInput(
            f"the bundle was compiled with the locked requirements {compiled_with}, this "
            f"environment ({sys.prefix}) holds {lock_digest()}: run `make setup` here, or compile "
            "the bundle again"
        )
