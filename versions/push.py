"""Pushes a model as the next version, so that a reader sees a whole version or none.

It is staged in the same folder, flushed to the disk and then renamed. Numbers only grow, even past
deleted versions.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.base.files import flush, publish, replace
from beltline.base.locks import locked
from beltline.versions import tensorflow_serving
from beltline.versions.folder import CARD, card_of, model_digest
from beltline.versions.live import live
from beltline.versions.retention import STAGED, clear

_COUNTER = ".last-version"


def push(
    model: Path, folder: Path, card: Mapping[str, Any], extra: Mapping[Path, Path] | None = None
) -> tuple[int, bool]:
    """Pushes `model` as the next version in `folder`; returns its number, and whether it is new.

    A model that is a version already keeps its number, live or not.

    Args:
      model: the SavedModel's folder.
      folder: the version folder.
      card: the content of `version.json`; `version` and `digest` are added.
      extra: further files of the version: each path in it, and the file to copy.

    Raises:
      OSError: the disk is full or not writable, or there is no model; the versions are unchanged.
    """
    if not any(model.rglob("*")):
        raise FileNotFoundError(f"{model}: no model found")
    folder.mkdir(parents=True, exist_ok=True)
    found = model_digest(model)
    with locked(folder):
        for version in sorted(_numbers(folder), reverse=True):
            if card_of(folder / str(version)).get("digest") == found:
                # A push that was killed after its rename has not told TensorFlow Serving.
                tensorflow_serving.heal(folder, live(folder) or version)
                return version, False
        clear(folder)
        version = _next(folder)
        staged = Path(tempfile.mkdtemp(prefix=STAGED, dir=folder))
        try:
            _fill(staged, model, {**card, "version": version, "digest": found}, extra or {})
            _count(folder, version)
            tensorflow_serving.prepare(folder, version)
            publish(staged, folder / str(version))
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        tensorflow_serving.commit(folder)
    return version, True


def _fill(staged: Path, model: Path, card: Mapping[str, Any], extra: Mapping[Path, Path]) -> None:
    shutil.copytree(model, staged, dirs_exist_ok=True)
    (staged / CARD).parent.mkdir(exist_ok=True)
    (staged / CARD).write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for path, file in extra.items():
        shutil.copyfile(file, staged / path)
    staged.chmod(0o755)
    for path in staged.rglob("*"):
        flush(path)


def _next(folder: Path) -> int:
    try:
        counted = int((folder / _COUNTER).read_text())
    except (FileNotFoundError, ValueError):
        counted = 0
    return max([counted, *_numbers(folder)]) + 1


def _count(folder: Path, version: int) -> None:
    """Records the last number, atomically: half of 12 would be 1, which was used before.

    It comes before the version itself, which may be deleted and must not be forgotten.
    """
    replace(folder / _COUNTER, str(version))


def _numbers(folder: Path) -> list[int]:
    return [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
