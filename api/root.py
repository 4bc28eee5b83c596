"""A root: the runs and the versions of one pipeline."""

import os
from pathlib import Path

from beltline.api import display
from beltline.api.run import Run, Runs
from beltline.api.version import Version, Versions
from beltline.base.errors import WrongInput
from beltline.runners.choices import check_choice
from beltline.runners.history import History
from beltline.runners.local.record import records
from beltline.runners.paths import METADATA, Paths
from beltline.storage.url import refuse_url
from beltline.versions.store import Place, place_of

# What runs leave in a root.
_SIGNS = ("metadata.sqlite", "runs", "bundles", "artifacts", "served", "logs")
_SERVED = "served"


class Root:
    """The runs and the versions of one pipeline.

    Attributes:
      path: the folder.
      pipeline: the pipeline's name; empty where there has been no run.
    """

    def __init__(self, paths: Paths, pipeline: str, served: Place) -> None:
        """Remembers where everything is; nothing is read yet."""
        self.path = paths.root
        self.pipeline = pipeline
        self._paths = paths
        self._served = served

    @property
    def runs(self) -> Runs:
        """The runs as they are now, oldest first; `[-1]` is the latest, `[ID]` the one of an id."""
        history = History(self._paths, self.pipeline)
        return Runs([Run(history, each, self._served) for each in history.runs()])

    @property
    def versions(self) -> Versions:
        """The served versions as they are now, oldest first."""
        history = History(self._paths, self.pipeline)
        return Versions(self._served, lambda: history.lineage)

    def __repr__(self) -> str:
        live = self.versions.live
        known = f"{len(self.runs)} runs, {len(self.versions)} versions"
        served = f"version {live.number} live" if live else "none live"
        return f"<Root {self.path} of {self.pipeline or 'no pipeline yet'}: {known}, {served}>"

    def _repr_html_(self) -> str:
        return display.template("root.html", root=self, runs=self.runs, versions=self.versions)


def open_root(root: str | Path | None, pipeline: str | None, metadata: str | None) -> Root:
    """Returns a root; `beltline.open` says what the arguments are.

    Raises:
      WrongInput: the folder is no root, or `pipeline` is needed or unknown.
    """
    refuse_url("the root", str(root or ""))
    paths = Paths.from_environment()
    if root is not None:
        folder = Path(root).expanduser().absolute()
        own = f"sqlite:///{folder / 'metadata.sqlite'}"
        paths = Paths(folder, os.environ.get(METADATA) or own, paths.data)
    if metadata is not None:
        paths = Paths(paths.root, metadata, paths.data)
    _check(paths.root)
    name = _chosen(paths, pipeline)
    return Root(paths, name, _served(paths, name))


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise WrongInput(f"{folder}: no such folder; `beltline run` makes a root, .beltline")
    if any((folder / sign).exists() for sign in _SIGNS) or not any(folder.iterdir()):
        return
    within = folder / ".beltline"
    hint = f"; did you mean {within}?" if within.is_dir() else ""
    raise WrongInput(f"{folder}: not a root: it has none of {', '.join(_SIGNS)}{hint}")


def _chosen(paths: Paths, pipeline: str | None) -> str:
    known = _pipelines(paths)
    if pipeline is not None:
        check_choice(f"{paths.root}: pipeline '{pipeline}' not found", pipeline, known)
        return pipeline
    if len(known) > 1:
        named = ", ".join(known)
        raise WrongInput(f"{paths.root} has several pipelines, so name one: pipeline=… ({named})")
    return known[0] if known else ""


def _pipelines(paths: Paths) -> list[str]:
    """Returns the names of the pipelines that have runs or versions in a root."""
    names = {record.name for record in records(paths.root)}
    lineage = History(paths, "").lineage
    if lineage:
        names |= {context.name for context in lineage.store.get_contexts_by_type("pipeline")}
    served = (paths.root / _SERVED).glob("*/")
    return sorted(names | {each.name for each in served if not each.name.startswith(".")})


def _served(paths: Paths, pipeline: str) -> Place:
    """Returns where the versions are: where the latest bundle that is here pushes to."""
    history = History(paths, pipeline)
    for run in reversed(history.runs()):
        manifest = history.manifest(run.run)
        if manifest is not None:
            return place_of(paths.root, manifest.push, pipeline)
    return place_of(paths.root, _SERVED, pipeline)


__all__ = ["Root", "Run", "Runs", "Version", "Versions", "open_root"]
