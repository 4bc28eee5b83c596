"""Paths of what is not an artifact, as the pipeline's nodes see them."""

import os
from pathlib import Path

from beltline.versions.store import Place, place_of

ROOT = "BELTLINE_ROOT"
KEPT = ("artifacts", "bundles", "logs", "runs")
"""The folders in the root that only Beltline writes to."""


def root_folder() -> Path:
    """Returns the root, `$BELTLINE_ROOT`."""
    return Path(os.environ.get(ROOT, ""))


def served_versions(directory: str, name: str) -> Place:
    """Returns where the versions of a model are; a relative folder starts at `$BELTLINE_ROOT`."""
    return place_of(root_folder(), directory, name)
