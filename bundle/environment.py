"""The version of Beltline, and digests of the lock and the sources that it is installed from."""

import functools
import sys
from pathlib import Path

from beltline.base import digest
from beltline.base.errors import WrongInput

VERSION = "0.1.0"

# `make setup` (and the image's build) copies the lock that it installed to here.
LOCK = "beltline.lock"

# The installed packages that a node runs. Not `models`: it travels in the bundle.
PACKAGES = (
    *("base", "beam_on_dask", "bundle", "pipeline"),
    *("runners", "serving", "storage", "versions"),
)
MODELS = "models"


@functools.cache
def lock_digest() -> str:
    """Returns the digest of the lock that this environment was installed from.

    Without a lock it is `unlocked`.
    """
    lock = Path(sys.prefix) / LOCK
    return digest.of_lock(lock.read_text())[:16] if lock.exists() else "unlocked"


@functools.cache
def source_digest() -> str:
    """Returns the digest of Beltline's own sources as they are installed; bytecode doesn't count.

    An image and a checkout with the same digest run a bundle alike.
    """
    return _digest_of(*PACKAGES)


@functools.cache
def models_digest() -> str:
    """Returns the digest of Beltline's own model code as it is installed."""
    return _digest_of(MODELS)


def _digest_of(*packages: str) -> str:
    here = Path(__file__).parents[1]
    return digest.of_parts(digest.source_files(*(here / package for package in packages)))[:16]


def check_lock(compiled_with: str) -> None:
    """Checks that a bundle was compiled with this environment's library versions.

    Args:
      compiled_with: the `lock` of the bundle's manifest.

    Raises:
      WrongInput: the two locks differ; one that is `unlocked` fits any other.
    """
    if "unlocked" not in (compiled_with, lock_digest()) and compiled_with != lock_digest():
        raise WrongInput(
            f"the bundle was compiled with the locked requirements {compiled_with}, this "
            f"environment ({sys.prefix}) has {lock_digest()}: run `make setup` here, or compile "
            "the bundle again"
        )
