"""Runs what has no scores yet: the pipeline on each split of a set, and its peers on its rows."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from beltline import models
from beltline.base import digest
from benchmarks.processes import measure
from benchmarks.quality.peers import PEERS
from benchmarks.quality.score_files import Pair, ours_file, pair, peers_file, read
from benchmarks.quality.scores import Metrics
from benchmarks.quality.workspace import Workspace


@dataclass(frozen=True)
class Runs:
    """What is compared, and where its scores are kept."""

    scores: Path
    settings: Sequence[str] = ()
    """`KEY=VALUE`, laid over the defaults."""
    peers: Sequence[str] = tuple(PEERS)

    @property
    def key(self) -> str:
        """A digest of the settings and the model code: other ones have scores of their own."""
        code = digest.source_files(Path(models.__file__).parent)
        chosen = json.dumps(sorted(self.settings)).encode()
        return digest.of_parts({**code, "settings": chosen})[:8]

    def once(self, name: str, split: int) -> Pair:
        """Returns the scores on a split of a set; what lies there is not run again."""
        ours = ours_file(self.scores, self.key, name, split)
        theirs = peers_file(self.scores, name, split)
        missing = self.missing_peers(theirs)
        if missing or not ours.exists():
            with tempfile.TemporaryDirectory(prefix="beltline-bench-") as scratch:
                space = Workspace(Path(scratch))
                space.begin(name, split)
                if not ours.exists():
                    space.run("Trainer", self.settings)
                    _scored("scores", space, ours)
                if missing:
                    space.run("Transform")
                    self.judge_peers(space, theirs)
        return self._pair(read(ours), read(theirs))

    def _pair(self, ours: Metrics, theirs: dict[str, Any]) -> Pair:
        chosen = {name: theirs["peers"][name] for name in self.peers}
        return pair(ours, {**theirs, "peers": chosen})

    def missing_peers(self, file: Path) -> list[str]:
        """Returns the peers without scores in a file."""
        known = read(file)["peers"] if file.exists() else {}
        return [name for name in self.peers if name not in known]

    def judge_peers(self, space: Workspace, file: Path) -> None:
        """Trains the peers that have no scores yet, on the rows of a run up to Transform."""
        words = [word for name in self.missing_peers(file) for word in ("--peer", name)]
        _scored("peers", space, file, words)


def _scored(module: str, space: Workspace, file: Path, words: Sequence[str] = ()) -> None:
    """In a process of its own: TensorFlow and the peers bring thread pools that don't mix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"benchmarks.quality.{module}"]
    command += ["--folder", str(space.folder), "-o", str(file), *words]
    measure(command, {"TF_CPP_MIN_LOG_LEVEL": "3"}, space.folder / "log")
    click.echo(f"{file.parent.name} {file.stem}", err=True)
