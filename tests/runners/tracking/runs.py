"""Runs of a few nodes in a real ML Metadata, as the tools are told of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from beltline.base.settings.tracking import Tracking
from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from beltline.runners.paths import Paths
from beltline.runners.result import RunResult, recorded_result
from beltline.runners.tracking.ended import EndedRun, ended_run
from beltline.runners.tracking.tell import tell
from tests.bundle.bundles import NODES, manifest
from tests.runners.projects import Ledger, paths

PUSHED = {"pushed_model": ("PushedModel", {"pushed": 1, "pushed_version": "7"})}
EVERY = [node.id for node in NODES]


class Story:
    """A run `r1` of the pipeline `line`, whose nodes a test writes."""

    def __init__(self, folder: Path):
        self._paths = paths(folder)
        self.ledger = Ledger(self._paths.metadata)
        self.ledger.run("r1")

    @property
    def root(self) -> Path:
        return self._paths.root

    def pushed(self) -> "Story":
        """Every node has run, and a version was pushed."""
        for node in EVERY:
            self.ledger.node("r1", node, outputs=PUSHED if node == "Pusher" else None)
        return self

    def refused(self, reason: str = "temp: too cold") -> "Story":
        """The data gate has refused."""
        self.ledger.node("r1", "ExampleGen")
        self.ledger.node("r1", "DataGate", "FAILED", **{REFUSED: "yes", REASON: reason})
        return self

    def failed(self) -> "Story":
        """The Trainer has failed."""
        for node in EVERY[: EVERY.index("Trainer")]:
            self.ledger.node("r1", node)
        self.ledger.node("r1", "Trainer", "FAILED", **{REASON: "no memory"})
        return self

    def paths(self, **tracking: Any) -> Paths:
        return replace(self._paths, tracking=Tracking.model_validate(tracking))

    def result(self) -> RunResult:
        latest = {each.node: each for each in Lineage(self._paths.metadata, "line").nodes("r1")}
        return recorded_result(manifest(), latest, "r1", self._paths, "it never came")

    def ended(self) -> EndedRun:
        return ended_run(self._paths, manifest(), self.result())

    def tell(self, **tracking: Any) -> list[str]:
        """Tells the tools of the run; returns what went wrong."""
        return tell(self.paths(**tracking), manifest(), self.result())
