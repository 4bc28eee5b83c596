"""The folder of scores: what lies there is not run again.

FOLDER/peers/SET-SPLIT.json   the peers', which depend on the rows alone
FOLDER/ours/SET-SPLIT.json    the model's, which depend on the settings of the comparison
"""

import json
from pathlib import Path
from typing import Any

from benchmarks.quality.scores import Figures

DECIDES = {"binary": "auc", "multiclass": "auc", "regression": "r2"}
"""The figure that sides are compared by, for each kind of label; more is better."""
LESS_IS_BETTER = ("log loss", "rmse", "ece")


def peers_file(folder: Path, name: str, split: int) -> Path:
    """Returns where the peers' scores on a split of a set are, or will be."""
    return folder / "peers" / f"{name}-{split}.json"


def ours_file(folder: Path, name: str, split: int) -> Path:
    """Returns where the model's scores are, or will be."""
    return folder / "ours" / f"{name}-{split}.json"


def read(file: Path) -> dict[str, Any]:
    """Returns what a file of scores holds."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def best(peers: dict[str, Figures], figure: str) -> str:
    """Returns the peer that is best by a figure."""
    sign = -1 if figure in LESS_IS_BETTER else 1
    return max(peers, key=lambda name: sign * peers[name][figure])
