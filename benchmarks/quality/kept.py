"""Pipelines that have run up to Transform, kept so that a change of the training costs no more.

A kept folder belongs to a set, a split and all that Transform depends on: the preprocessing code
and the settings but those of `model` and `training`.
"""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from beltline.base import digest
from beltline.base.locks import locked
from benchmarks.quality.workspace import Workspace

_LATER = ("model.", "training.")
# `config` is read by every module and says nothing about the rows.
_IMPORTED = """
import sys
import beltline.models.preprocessing
for name, module in sorted(sys.modules.items()):
    if name.startswith("beltline.models.") and name != "beltline.models.config":
        print(module.__file__)
"""


def of_preprocessing(settings: Sequence[str]) -> str:
    """Returns a digest of the preprocessing code that Python finds, and of its settings."""
    others = sorted(setting for setting in settings if not setting.startswith(_LATER))
    return digest.of_parts({**_code(), "settings": json.dumps(others).encode()})[:8]


@functools.cache  # It imports TensorFlow in a process of its own.
def _code() -> dict[str, bytes]:
    words = [sys.executable, "-c", _IMPORTED]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    return {Path(file).name: Path(file).read_bytes() for file in found.stdout.split()}


def transformed(
    parent: Path, name: str, split: int, preprocessing: str, settings: Sequence[str]
) -> Workspace:
    """Returns the workspace of a split, after a run up to Transform unless there was one.

    Args:
      parent: where workspaces are kept.
      name: the set.
      split: which way to split its rows.
      preprocessing: the digest.
      settings: `KEY=VALUE`, laid over the defaults.
    """
    space = Workspace(parent / f"{name}-{split}-{preprocessing}")
    ready = space.folder / "transformed"
    parent.mkdir(parents=True, exist_ok=True)
    with locked(parent, f"{space.folder.name}.lock"):
        if not ready.exists():
            # What a killed run has left.
            shutil.rmtree(space.folder, ignore_errors=True)
            space.begin(name, split)
            before = [setting for setting in settings if not setting.startswith(_LATER)]
            space.run("Transform", before)
            ready.touch()
    return space
