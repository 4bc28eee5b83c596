"""What lies in the folder of served versions, and where each comes from.

Each version is a SavedModel with a card, `assets.extra/version.json`, that says where it comes
from and what it reached. A version without a readable card is served all the same: it is listed
with empty figures. A hidden entry is no version: something is being made there, or taken away.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.base import digest

EXTRA = Path("assets.extra")
CARD = EXTRA / "version.json"
CHECK_ROWS = EXTRA / "check_rows.json"
"""The rows that the serving check asked, and the answers: `{"rows": {…}, "answers": {…}}`."""
INPUT_NAMES = EXTRA / "input_names.json"
"""The name of each column's input, by the column's own name."""
STATISTICS = EXTRA / "statistics.pb"
"""Statistics of the rows that it was trained on: a DatasetFeatureStatisticsList."""
SCHEMA = EXTRA / "schema.pbtxt"
"""The schema that those rows were checked with."""
SCORES = EXTRA / "scores.json"
"""The model's answers to rows of the evaluation split: a list for each output."""
_MODEL = "saved_model.pb"


@dataclass(frozen=True)
class Version:
    """A served version.

    `pushed` is an ISO time; `champion_metrics` is None on a first run; `digest` is of the model's
    files, empty where the card names none; `problem` says what is predicted from which columns:
    `label`, `task`, `classes`, and `columns` with each one's kind.
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


def versions(folder: Path) -> list[Version]:
    """Returns the versions in `folder`, oldest first; none if there is no such folder."""
    return [_version(folder / str(number)) for number in numbers(folder)]


def find(folder: Path, number: int) -> Version | None:
    """Returns one version; None if it is not there."""
    path = folder / str(number)
    return _version(path) if (path / _MODEL).is_file() else None


def numbers(folder: Path) -> list[int]:
    """Returns the numbers of the versions in `folder`, ascending."""
    try:
        entries = [entry for entry in folder.iterdir() if _is_number(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(entry.name) for entry in entries if (entry / _MODEL).is_file())


def model_digest(model: Path) -> str:
    """Returns the digest of a SavedModel's files, whatever stands in `assets.extra`.

    Raises:
      OSError: a file can't be read.
    """
    files = [path for path in sorted(model.rglob("*")) if path.is_file()]
    inside = {path.relative_to(model).as_posix(): path for path in files}
    parts = {k: v.read_bytes() for k, v in inside.items() if not k.startswith(f"{EXTRA}/")}
    return digest.of_parts(parts)


def _is_number(name: str) -> bool:
    # A server looks for `7`, not for `007`.
    return name.isascii() and name.isdecimal() and str(int(name)) == name


def _version(path: Path) -> Version:
    card = _card(path / CARD)
    champion = card.get("champion_metrics")
    return Version(
        number=int(path.name),
        path=path,
        pushed=_text(card.get("pushed")),
        run=_text(card.get("run")),
        blessed=card.get("blessed") is True,
        first=card.get("first") is True,
        metrics=_figures(card.get("metrics")),
        champion_metrics=_figures(champion) if isinstance(champion, dict) else None,
        digest=_text(card.get("digest")),
        digests={name: _text(value) for name, value in _mapping(card.get("digests")).items()},
        problem=_mapping(card.get("problem")),
    )


def _card(file: Path) -> dict[str, Any]:
    try:
        return _mapping(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _figures(value: Any) -> dict[str, float]:
    """Returns the finite numbers of a mapping: anything else can't be compared, nor be JSON."""
    return {
        name: float(figure)
        for name, figure in _mapping(value).items()
        if isinstance(figure, int | float)
        and not isinstance(figure, bool)
        and math.isfinite(figure)
    }
