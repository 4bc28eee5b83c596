"""The places of a run, from the environment: metadata, root, data, Beam, and who is told of it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.base.settings.section import Section
from beltline.base.settings.tracking import Tracking
from beltline.storage.url import ObjectUrl, parse_prefix, refuse_url
from beltline.versions.store import Place, place_of

METADATA = "BELTLINE_METADATA"
ROOT = "BELTLINE_ROOT"
DATA = "BELTLINE_DATA"
BEAM = "BELTLINE_BEAM"
ARTIFACTS = "BELTLINE_ARTIFACTS"
TRACKING, WEBHOOK = "BELTLINE_TRACKING", "BELTLINE_WEBHOOK"
_DEFAULT_ROOT = ".beltline"
_EXAMPLES = {
    BEAM: '{"runner": "dask", "dask": {"scheduler": "tcp://HOST:8786"}}',
    TRACKING: '{"webhook": {"url": "https://HOST/PATH"}}',
}

_Kind = TypeVar("_Kind", bound=Section)


@dataclass(frozen=True)
class Paths:
    """The root of artifacts and logs, the connection of ML Metadata, and the folder of the data.

    `metadata` is a URL such as `sqlite:///FILE`; a relative data path starts at `data`. `beam` is
    where the nodes' Beam pipelines run, and `tracking` which other tools are told of a run. `store`
    is where artifacts are kept, if not in the root.
    """

    root: Path
    metadata: str
    data: Path
    beam: Beam = field(default_factory=Beam)
    tracking: Tracking = field(default_factory=Tracking)
    store: ObjectUrl | None = None

    @classmethod
    def from_environment(
        cls,
        root: Path | None = None,
        metadata: str | None = None,
        beam: Beam | None = None,
        tracking: Tracking | None = None,
        artifacts: str | None = None,
    ) -> "Paths":
        """Returns the paths that the environment sets.

        The environment wins: it is for the machine, the settings are for the pipeline.

        Args:
          root: the settings' root, where they name one.
          metadata: the settings' connection of ML Metadata, where they name one.
          beam: the settings' section of that name.
          tracking: the settings' section of that name.
          artifacts: the settings' URL of that name.

        Raises:
          WrongInput: the root, or the folder of the data, is a URL, or the place of artifacts is
            none; the environment's section `beam` or `tracking` is invalid; or artifacts are in an
            object store, and Beam's workers elsewhere, which could not read them.
        """
        for name in (ROOT, DATA):
            refuse_url(name, os.environ.get(name, ""))
        chosen = Path(os.environ.get(ROOT) or root or _DEFAULT_ROOT).absolute()
        url = os.environ.get(METADATA) or metadata or f"sqlite:///{chosen / 'metadata.sqlite'}"
        data = Path(os.environ.get(DATA) or ".").absolute()
        where = _section(BEAM, Beam) or beam or Beam()
        tracked = _section(TRACKING, Tracking) or tracking or Tracking()
        store = os.environ.get(ARTIFACTS) or artifacts
        return cls(chosen, url, data, where, tracked, _store(store, where) if store else None)

    def environment(self) -> dict[str, str]:
        """Returns the variables that pass these paths to a node."""
        return {
            METADATA: self.metadata,
            ROOT: str(self.root),
            DATA: str(self.data),
            **beam_environment(self.beam),
            **tracking_environment(self.tracking),
            **artifacts_environment(self.store),
        }

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: every node's outputs, or where they are made for the store."""
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


def tracking_environment(tracking: Tracking) -> dict[str, str]:
    """Returns the variable that passes a section `tracking` to a node."""
    return {TRACKING: tracking.model_dump_json(exclude_none=True)}


def artifacts_environment(store: ObjectUrl | str | None) -> dict[str, str]:
    """Returns the variable that passes the store of artifacts to a node; none without one."""
    return {ARTIFACTS: str(store)} if store else {}


def _store(text: str, beam: Beam) -> ObjectUrl:
    """Returns where artifacts are kept, given where Beam's pipelines run."""
    away = [runner for runner in beam.runners() if runner != "direct"]
    if away:
        raise WrongInput(
            f"beam.runner: {away[0]} and artifacts in an object store ({text}) exclude each "
            "other: the workers read and write files; use `direct`, or keep the artifacts in a "
            "root that the workers share"
        )
    return parse_prefix(text)


def _section(variable: str, kind: type[_Kind]) -> _Kind | None:
    """Returns the section of the settings that a variable holds as JSON; None without it."""
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        name = kind.__name__.lower()
        raise WrongInput(
            f"{variable}: {f'{key}: ' if key else ''}{first['msg']}; write the section `{name}` "
            f"as JSON, such as {_EXAMPLES[variable]}"
        ) from None


def make_root(root: Path) -> None:
    """Makes the root if it isn't there; the default one is its owner's alone, as rows are in it.

    One that somebody has named may be shared, with a server for example.

    Raises:
      OSError: the folder can't be written.
    """
    mode = 0o700 if root.name == _DEFAULT_ROOT else 0o777
    root.mkdir(mode=mode, parents=True, exist_ok=True)
