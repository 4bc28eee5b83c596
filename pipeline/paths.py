"""Paths of what is not an artifact, as the pipeline's nodes see them."""

import os
from pathlib import Path


def served_folder(directory: str) -> Path:
    """Returns the folder of all served models; a relative one starts at `$BELTLINE_ROOT`."""
    return Path(os.environ.get("BELTLINE_ROOT", "")) / directory
