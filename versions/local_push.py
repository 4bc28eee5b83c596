"""Pushes a model into a folder of versions.

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
from beltline.versions import decisions, tensorflow_serving
from beltline.versions.folder import CARD, card_of
from beltline.versions.live import compared, live
from beltline.versions.local import STAGED, WAITING, LocalVersions, clear, held
from beltline.versions.store import LIVE_WHEN_HELD

_COUNTER = ".last-version"


def push(
    folder: Path,
    model: Path,
    digest: str,
    card: Mapping[str, Any],
    extra: Mapping[Path, Path],
    hold: bool = False,
) -> tuple[int, bool]:
    """Pushes `model`, whose files have `digest`, as `versions.push.push` and `hold` say.

    Raises:
      OSError: the disk is full or not writable; the versions are unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        for version in sorted(_numbers(folder), reverse=True):
            if card_of(folder / str(version)).get("digest") == digest:
                # A push that was killed after its rename has not told TensorFlow Serving.
                tensorflow_serving.heal(folder, live(folder) or version)
                return version, False
        if hold and (known := _decided_or_waiting(folder, digest)):
            return known, False
        clear(folder)
        version = _next(folder)
        card = {**card, "version": version, "digest": digest}
        if hold:
            card = {**card, LIVE_WHEN_HELD: live(folder) or 0}
        staged = Path(tempfile.mkdtemp(prefix=STAGED, dir=folder))
        try:
            _fill(staged, model, card, extra)
            _count(folder, version)
            if not hold:
                tensorflow_serving.prepare(folder, version)
            publish(staged, folder / f"{WAITING if hold else ''}{version}")
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        if not hold:
            tensorflow_serving.commit(folder)
        _supersede(folder, version)
    return version, True


def _decided_or_waiting(folder: Path, digest: str) -> int | None:
    """Returns the version of this model that waits, or that was rejected.

    One that was not compared with the live version is held anew.
    """
    store = LocalVersions(folder)
    state = store.state()
    card = store.card(state.waiting) if state.waiting else {}
    if card.get("digest") == digest and compared(card, state):
        return state.waiting
    return decisions.rejected(state.decisions, digest)


def _supersede(folder: Path, version: int) -> None:
    """Removes what waited until `version` came."""
    store = LocalVersions(folder)
    for number in held(folder):
        if number != version:
            by = f"by version {version}"
            store.decide(number, decisions.decided("superseded", store.card(number), note=by))


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
    return max([counted, *_numbers(folder), *held(folder)]) + 1


def _count(folder: Path, version: int) -> None:
    """Records the last number, atomically: half of 12 would be 1, which was used before.

    It comes before the version itself, which may be deleted and must not be forgotten.
    """
    replace(folder / _COUNTER, str(version))


def _numbers(folder: Path) -> list[int]:
    return [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
