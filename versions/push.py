"""Pushes a model as the next version, so that a reader sees a whole version or none.

How is up to where it goes: `local_push.py` and `remote.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.versions.folder import model_digest
from beltline.versions.store import Place, store_of


def push(
    model: Path, place: Place, card: Mapping[str, Any], extra: Mapping[Path, Path] | None = None
) -> tuple[int, bool]:
    """Pushes `model` as the next version in `place`; returns its number, and whether it is new.

    A model that is a version already keeps its number, live or not.

    Args:
      model: the SavedModel's folder.
      place: the folder of versions, or a URL.
      card: the content of `version.json`; `version` and `digest` are added.
      extra: further files of the version: each path in it, and the file to copy.

    Raises:
      OSError: the disk is full or not writable, the store failed, or there is no model; the
        versions are unchanged.
    """
    if not any(model.rglob("*")):
        raise FileNotFoundError(f"{model}: no model found")
    return store_of(place).push(model, model_digest(model), card, extra or {})
