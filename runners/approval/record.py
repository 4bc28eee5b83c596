"""Makes a decision known that has been carried out: to ML Metadata, and to other tools."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml_metadata.errors import StatusError

from beltline.base.errors import BeltlineError
from beltline.bundle.manifest import Manifest
from beltline.runners.history import History
from beltline.runners.metadata.approval import record_decision
from beltline.runners.paths import Paths
from beltline.runners.result import RunResult
from beltline.runners.tracking.tell import tell, wanted
from beltline.versions.decisions import Decision
from beltline.versions.live import live
from beltline.versions.store import Place, store_of

# Prometheus' file is about the last run, and this one may be older.
_TOOLS = ("webhook", "mlflow")


@dataclass(frozen=True)
class HeldVersion:
    """A version that was decided about.

    `served` is where the versions are, and `run` the run that held it, as the version's card names
    it; it may be empty. `manifest` is that of the run's bundle, where it need not be in the root.
    """

    served: Place
    number: int
    run: str
    manifest: Manifest | None = None


def made_known(paths: Paths, name: str, held: HeldVersion) -> list[str]:
    """Records the decision in ML Metadata, and tells the tools of a version that is live now.

    Args:
      paths: the root, ML Metadata, and the section `tracking`.
      name: the pipeline's name.
      held: the version.

    Returns:
      What went wrong: the decision itself stands.
    """
    decision = store_of(held.served).state().decisions[held.number]
    return list(_problems(paths, name, held, decision))


def _problems(paths: Paths, name: str, held: HeldVersion, decision: Decision) -> Iterator[str]:
    served, number, run = held.served, held.number, held.run
    try:
        history = History(paths, name)
        lineage = history.lineage
        known = lineage is not None and record_decision(lineage, run, served, number, decision)
    except (BeltlineError, StatusError) as error:
        what = f"version {number} is {decision.verdict}, which ML Metadata was not told"
        yield f"{what}{'; repeat the command' * (decision.verdict == 'approved')}: {error}"
        return
    if not known:
        of = f"run {run}" if run else "a run that its card doesn't name"
        yield (
            f"version {number} is of {of}, and ML Metadata has no such run that held it; "
            "is BELTLINE_METADATA the database of that run?"
        )
    elif decision.verdict == "approved" and live(served) == number:
        yield from _told(paths, history, held)


def _told(paths: Paths, history: History, held: HeldVersion) -> list[str]:
    if not set(wanted(paths.tracking)) & set(_TOOLS):
        return []
    manifest = held.manifest or history.manifest(held.run)
    if manifest is None:
        return [f"no tool was told of version {held.number}: its bundle is not in this root"]
    result = RunResult("done", version=str(held.number), run=held.run)
    return tell(paths, manifest, result, _TOOLS)
