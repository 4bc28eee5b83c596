"""Pushes a model as the next version, so that a reader sees a whole version or none.

How is up to where it goes: `local_push.py` and `remote.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from beltline.versions.folder import model_digest
from beltline.versions.store import Place, store_of


@dataclass(frozen=True)
class Held:
    """Where a model stands that was to wait for approval.

    `new` is false where it was known before: as a version that is `pushed`, as the one that is
    `waiting`, or as one that was `rejected`. One may be `superseded` before anybody looks.
    """

    number: int
    new: bool
    standing: Literal["waiting", "pushed", "rejected", "superseded"]


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
    return store_of(place).push(model, _digest(model), card, extra or {})


def hold(
    model: Path, place: Place, card: Mapping[str, Any], extra: Mapping[Path, Path] | None = None
) -> Held:
    """Has `model` wait for approval as the next version, see `approval.py`.

    One that waits already is superseded. A model that is a version keeps its number, and one that
    was rejected is not held again.

    Args and Raises: as `push` has them.
    """
    store = store_of(place)
    number, new = store.push(model, _digest(model), card, extra or {}, hold=True)
    state = store.state()
    if number == state.waiting:
        return Held(number, new, "waiting")
    decision = state.decisions.get(number)
    if number in state.numbers or decision is None or decision.verdict == "approved":
        return Held(number, new, "pushed")
    return Held(number, new, decision.verdict)


def _digest(model: Path) -> str:
    if not any(model.rglob("*")):
        raise FileNotFoundError(f"{model}: no model found")
    return model_digest(model)
