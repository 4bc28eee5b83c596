"""What this Python environment was installed from: its lock's digest, and Beltline's version."""

import functools
import sys
from pathlib import Path

from bundle import digest
from bundle.errors import WrongInput

VERSION = "0.1.0"

# `make setup` (and the image's build) copies the lock that it installed to here.
LOCK = "beltline.lock"


@functools.cache
def lock_digest() -> str:
    """Returns the digest of the lock that this environment was installed from.

    `unlocked` where it was installed without one.
    """
    lock = Path(sys.prefix) / LOCK
    return digest.of_lock(lock.read_text())[:16] if lock.exists() else "unlocked"


def check_lock(compiled_with: str) -> None:
    """Raises WrongInput if a bundle was compiled with other library versions than are here."""
    if "unlocked" not in (compiled_with, lock_digest()) and compiled_with != lock_digest():
        raise WrongInput(
            f"the bundle was compiled with the locked requirements {compiled_with}, this "
            f"environment ({sys.prefix}) holds {lock_digest()}: run `make setup` here, or compile "
            "the bundle again"
        )
