"""The paths of a run, from the environment: metadata, root, data."""

import os
from dataclasses import dataclass
from pathlib import Path

METADATA = "BELTLINE_METADATA"
ROOT = "BELTLINE_ROOT"
DATA = "BELTLINE_DATA"
_DEFAULT_ROOT = ".beltline"


@dataclass(frozen=True)
class Paths:
    """The root of artifacts and logs, the connection of ML Metadata, and the folder of the data.

    `metadata` is a URL such as `sqlite:///FILE`; a relative data path starts at `data`.
    """

    root: Path
    metadata: str
    data: Path

    @classmethod
    def from_environment(cls, root: Path | None = None, metadata: str | None = None) -> "Paths":
        """Returns the paths that the environment sets.

        The environment wins: it is for the machine, the settings are for the pipeline.

        Args:
          root: the settings' root, where they name one.
          metadata: the settings' connection of ML Metadata, where they name one.
        """
        chosen = Path(os.environ.get(ROOT) or root or _DEFAULT_ROOT).absolute()
        url = os.environ.get(METADATA) or metadata or f"sqlite:///{chosen / 'metadata.sqlite'}"
        return cls(chosen, url, Path(os.environ.get(DATA) or ".").absolute())

    def environment(self) -> dict[str, str]:
        """Returns the variables that pass these paths to a node."""
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
        """Returns the log file of a node in a run."""
        return self.root / "logs" / run / f"{node}.log"


def make_root(root: Path) -> None:
    """Makes the root if it isn't there; the default one is its owner's alone, as rows are in it.

    One that somebody has named may be shared, with a server for example.

    Raises:
      OSError: the folder can't be written.
    """
    mode = 0o700 if root.name == _DEFAULT_ROOT else 0o777
    root.mkdir(mode=mode, parents=True, exist_ok=True)
