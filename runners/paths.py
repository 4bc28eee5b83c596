"""The places of a run, from the environment: metadata, root, data."""

import os
from dataclasses import dataclass
from pathlib import Path

METADATA = "BELTLINE_METADATA"
ROOT = "BELTLINE_ROOT"
DATA = "BELTLINE_DATA"


@dataclass(frozen=True)
class Places:
    """Where metadata and artifacts are, and where relative data paths start."""

    root: Path
    metadata: str
    data: Path

    @classmethod
    def from_environment(cls, root: Path | None = None, metadata: str | None = None) -> "Places":
        """Returns the places; `root` and `metadata` are what the settings say, if they do.

        The environment wins: it is for the machine, the settings are for the pipeline.
        """
        chosen = Path(os.environ.get(ROOT) or root or ".beltline").absolute()
        url = os.environ.get(METADATA) or metadata or f"sqlite:///{chosen / 'metadata.sqlite'}"
        return cls(chosen, url, Path(os.environ.get(DATA) or ".").absolute())

    def environment(self) -> dict[str, str]:
        """Returns the variables that hand these places to a node."""
        return {METADATA: self.metadata, ROOT: str(self.root), DATA: str(self.data)}

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: every node's outputs."""
        return self.root / "artifacts"

    @property
    def bundles(self) -> Path:
        """Compiled bundles, by digest."""
        return self.root / "bundles"

    def served(self, directory: str, name: str) -> Path:
        """Returns the folder of a pipeline's versions."""
        return self.root / directory / name

    def log(self, run: str, node: str) -> Path:
        """Returns a node's log file of a run."""
        return self.root / "logs" / run / f"{node}.log"
