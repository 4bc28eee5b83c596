"""The folder of served versions: `<directory>/<name>/<number>/`, as the push wrote it.

Each version is a SavedModel with a card, `assets.extra/version.json`, that says where it comes
from and what it reached. A version without a readable card is served all the same: it is listed
with empty figures.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CARD = Path("assets.extra") / "version.json"
_MODEL = "saved_model.pb"


@dataclass(frozen=True)
class Version:
    """A served version. `pushed` is an ISO time; `champion_metrics` is None on a first run."""

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


def versions(folder: Path) -> list[Version]:
    """Returns the versions in `folder`, oldest first; none if there is no such folder."""
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [entry for entry in entries if _is_number(entry.name) and (entry / _MODEL).is_file()]
    return [_version(path) for path in sorted(found, key=lambda path: int(path.name))]


def live(folder: Path) -> int | None:
    """Returns the number of the version that is served: the highest; None if there is none."""
    found = versions(folder)
    return found[-1].number if found else None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()


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
