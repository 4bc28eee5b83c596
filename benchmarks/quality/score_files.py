"""The folder of scores: what lies there is not run again.

FOLDER/peers/SET-SPLIT.json      the peers', which depend on the rows alone
FOLDER/ours-KEY/SET-SPLIT.json   the model's, which depend on settings and code too
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.scores import Metrics


@dataclass(frozen=True)
class Pair:
    """The scores of both sides on one split of a set."""

    ours: Metrics
    peers: dict[str, Metrics]
    task: str
    rows: int
    rarest: float | None
    """The share of the rarest class; None for numbers."""


def pair(ours: Metrics, theirs: dict[str, Any]) -> Pair:
    """Returns the scores of both sides.

    Args:
      ours: what `scores` or an experiment wrote.
      theirs: what `peers` wrote.
    """
    rows = sum(theirs["rows"].values())
    return Pair(ours, theirs["peers"], theirs["task"], rows, theirs["rarest"])


def peers_file(folder: Path, name: str, split: int) -> Path:
    """Returns where the peers' scores on a split of a set are, or will be."""
    return folder / "peers" / f"{name}-{split}.json"


def ours_file(folder: Path, key: str, name: str, split: int) -> Path:
    """Returns where the model's scores are, or will be."""
    return folder / f"ours-{key}" / f"{name}-{split}.json"


def read(file: Path) -> dict[str, Any]:
    """Returns what a file of scores holds."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
