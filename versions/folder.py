"""The served versions, wherever they are, and their cards.

Each version is a SavedModel with a card, `assets.extra/version.json`, that has its run and its
metrics. A version without a readable card is served all the same, and listed with empty metrics. A
hidden entry is not a version: it is being staged, or deleted.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.base import digest
from beltline.versions.store import Place, VersionStore, store_of

EXTRA = Path("assets.extra")
CARD = EXTRA / "version.json"
CHECK_ROWS = EXTRA / "check_rows.json"
"""The rows of the serving check, and the answers: `{"rows": {…}, "answers": {…}}`."""
INPUT_NAMES = EXTRA / "input_names.json"
"""The name of each column's input, by the column's own name."""
THRESHOLD = EXTRA / "threshold.json"
"""From which probability on a binary model says yes; null for other models."""
LEARNERS = EXTRA / "learners.json"
"""Weight and loss of each learner, where a model is made of several."""
STATISTICS = EXTRA / "statistics.pb"
"""Statistics of the training rows: a DatasetFeatureStatisticsList."""
SCHEMA = EXTRA / "schema.pbtxt"
"""The schema that the training rows were validated with."""
SCORES = EXTRA / "scores.json"
"""The model's answers to rows of the evaluation split: a list for each output."""
MODEL_CARD = EXTRA / "model_card.json"
"""What outsiders should know of the model, in the fields of the Model Cards paper."""
MODEL = "saved_model.pb"


@dataclass(frozen=True)
class Version:
    """A served version.

    `path` is the folder of its files on this machine, see `fetch`; `pushed` is an ISO time;
    `champion_metrics` is None on a first run; `digest` is of the model's files, empty where the
    card has none; `problem` says what is predicted from which columns: `label`, `task`, `classes`,
    and `columns` with each one's kind; `unread` has the table's other columns. With `refit`, the
    gates have judged another model, and this one was trained after it in the same way, on the rows
    of all splits.
    """

    number: int
    path: Path
    pushed: str
    run: str
    blessed: bool
    first: bool
    metrics: dict[str, float]
    champion_metrics: dict[str, float] | None
    digest: str
    digests: dict[str, str]
    problem: dict[str, Any]
    unread: tuple[str, ...] = ()
    refit: bool = False


def versions(place: Place) -> list[Version]:
    """Returns the versions in `place`, oldest first; none if there is no such folder.

    Raises:
      OSError: they can't be read.
    """
    store = store_of(place)
    return [_version(store, number) for number in store.state().numbers]


def waiting(place: Place) -> Version | None:
    """Returns the version that waits for approval; None if none does.

    Raises:
      OSError: the store can't be read.
    """
    store = store_of(place)
    number = store.state().waiting
    return None if number is None else _version(store, number)


def find(place: Place, number: int) -> Version | None:
    """Returns one version; None if there is no such one. Its files need not be here: see `fetch`.

    Raises:
      OSError: the store can't be read.
    """
    store = store_of(place)
    return _version(store, number) if number in store.state().numbers else None


def known(place: Place, number: int) -> Version | None:
    """Returns one version, also if it waits for approval; None if there is no such one.

    Raises:
      OSError: the store can't be read.
    """
    held = waiting(place)
    return held if held and held.number == number else find(place, number)


def fetch(place: Place, version: Version) -> None:
    """Makes the version's files readable at its `path`; nothing to do where they are on a disk.

    Raises:
      BrokenVersion: they are not those that were pushed.
      OSError: they can't be read, or there is no room for them.
    """
    store_of(place).fetch(version.number)


def numbers(place: Place) -> list[int]:
    """Returns the numbers of the versions in `place`, ascending.

    Raises:
      OSError: they can't be read.
    """
    return list(store_of(place).state().numbers)


def model_digest(model: Path) -> str:
    """Returns the digest of a SavedModel's files, without `assets.extra`.

    Raises:
      OSError: a file can't be read.
    """
    files = [path for path in sorted(model.rglob("*")) if path.is_file()]
    inside = {path.relative_to(model).as_posix(): path for path in files}
    parts = {k: v.read_bytes() for k, v in inside.items() if not k.startswith(f"{EXTRA}/")}
    return digest.of_parts(parts)


def card_of(path: Path) -> dict[str, Any]:
    """Returns the card of the version in `path`; empty if there is none that can be read."""
    try:
        return _mapping(json.loads((path / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _version(store: VersionStore, number: int) -> Version:
    card = store.card(number)
    champion = card.get("champion_metrics")
    return Version(
        number=number,
        path=store.path(number),
        pushed=_text(card.get("pushed")),
        run=_text(card.get("run")),
        blessed=card.get("blessed") is True,
        first=card.get("first") is True,
        metrics=_metrics(card.get("metrics")),
        champion_metrics=_metrics(champion) if isinstance(champion, dict) else None,
        digest=_text(card.get("digest")),
        digests={name: _text(value) for name, value in _mapping(card.get("digests")).items()},
        problem=_mapping(card.get("problem")),
        unread=_texts(card.get("unread")),
        refit=card.get("refit") is True,
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _metrics(value: Any) -> dict[str, float]:
    """Returns the finite numbers of a mapping: others can't be compared, nor be JSON."""
    return {
        name: float(number)
        for name, number in _mapping(value).items()
        if isinstance(number, int | float)
        and not isinstance(number, bool)
        and math.isfinite(number)
    }
