"""Paths of what is not an artifact, as the pipeline's nodes see them."""

import os
from pathlib import Path

ROOT = "BELTLINE_ROOT"
KEPT = ("artifacts", "bundles", "logs", "runs")
"""The folders in the root that only Beltline writes to."""


def root_folder() -> Path:
    """Returns the root, `$BELTLINE_ROOT`."""
    return Path(os.environ.get(ROOT, ""))


def served_folder(directory: str) -> Path:
    """Returns the folder of all served models; a relative one starts at `$BELTLINE_ROOT`."""
    return root_folder() / directory
