"""The places of a run, from the environment: metadata, root, data, and where Beam runs."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.storage.url import refuse_url
from beltline.versions.store import Place, place_of

METADATA = "BELTLINE_METADATA"
ROOT = "BELTLINE_ROOT"
DATA = "BELTLINE_DATA"
BEAM = "BELTLINE_BEAM"
_DEFAULT_ROOT = ".beltline"


@dataclass(frozen=True)
class Paths:
    """The root of artifacts and logs, the connection of ML Metadata, and the folder of the data.

    `metadata` is a URL such as `sqlite:///FILE`; a relative data path starts at `data`. `beam` is
    where the nodes' Beam pipelines run.
    """

    root: Path
    metadata: str
    data: Path
    beam: Beam = field(default_factory=Beam)

    @classmethod
    def from_environment(
        cls, root: Path | None = None, metadata: str | None = None, beam: Beam | None = None
    ) -> "Paths":
        """Returns the paths that the environment sets.

        The environment wins: it is for the machine, the settings are for the pipeline.

        Args:
          root: the settings' root, where they name one.
          metadata: the settings' connection of ML Metadata, where they name one.
          beam: the settings' section of that name.

        Raises:
          WrongInput: the root, or the folder of the data, is a URL; or the environment's section
            `beam` is invalid.
        """
        for name in (ROOT, DATA):
            refuse_url(name, os.environ.get(name, ""))
        chosen = Path(os.environ.get(ROOT) or root or _DEFAULT_ROOT).absolute()
        url = os.environ.get(METADATA) or metadata or f"sqlite:///{chosen / 'metadata.sqlite'}"
        where = _beam(os.environ[BEAM]) if os.environ.get(BEAM) else beam or Beam()
        return cls(chosen, url, Path(os.environ.get(DATA) or ".").absolute(), where)

    def environment(self) -> dict[str, str]:
        """Returns the variables that pass these paths to a node."""
        return {
            METADATA: self.metadata,
            ROOT: str(self.root),
            DATA: str(self.data),
            **beam_environment(self.beam),
        }

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: every node's outputs."""
        return self.root / "artifacts"

    @property
    def bundles(self) -> Path:
        """Compiled bundles, by digest."""
        return self.root / "bundles"

    def served(self, directory: str, name: str) -> Place:
        """Returns where a pipeline's versions are.

        Raises:
          WrongInput: `directory` is a URL that is not supported.
        """
        return place_of(self.root, directory, name)

    def log(self, run: str, node: str) -> Path:
        """Returns the log file of a node in a run."""
        return self.root / "logs" / run / f"{node}.log"


def beam_environment(beam: Beam) -> dict[str, str]:
    """Returns the variable that passes a section `beam` to a node."""
    return {BEAM: beam.model_dump_json(exclude_none=True)}


def _beam(text: str) -> Beam:
    try:
        return Beam.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise WrongInput(
            f"{BEAM}: {f'{key}: ' if key else ''}{first['msg']}; write the section `beam` as JSON, "
            'such as {"runner": "dask", "dask": {"scheduler": "tcp://HOST:8786"}}'
        ) from None


def make_root(root: Path) -> None:
    """Makes the root if it isn't there; the default one is its owner's alone, as rows are in it.

    One that somebody has named may be shared, with a server for example.

    Raises:
      OSError: the folder can't be written.
    """
    mode = 0o700 if root.name == _DEFAULT_ROOT else 0o777
    root.mkdir(mode=mode, parents=True, exist_ok=True)
