"""A run that has ended, as the tools are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.bundle.manifest import Manifest
from beltline.runners.history import History, described
from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.paths import Paths
from beltline.runners.result import RunResult
from beltline.versions.store import Place


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended.

    `described` is the run with its nodes as `beltline runs RUN --json` prints it, `nodes` the last
    execution of each node, and `lineage` ML Metadata; it is None if nothing ran. `served` is where
    the versions are.
    """

    manifest: Manifest
    result: RunResult
    described: Mapping[str, Any]
    nodes: Mapping[str, NodeRun]
    lineage: Lineage | None
    root: Path
    served: Place

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.manifest.name

    @property
    def run(self) -> str:
        """The run's id."""
        return self.result.run

    @property
    def event(self) -> str:
        """`refused`, `failed`, `pushed` or `waiting`; empty for a run that pushed nothing new."""
        if self.result.end != "done":
            return self.result.end
        if self.described["version"]:
            return "pushed"
        return "waiting" if self.result.waiting else ""

    @property
    def text(self) -> str:
        """The run in a sentence."""
        result, run = self.result, f"{self.pipeline}, run {self.run}"
        if result.end == "done":
            said = {
                "pushed": f"version {result.version} is live",
                "waiting": f"version {result.waiting} waits for approval",
            }
            return f"{run}: done; {said.get(self.event, 'no new version')}"
        kept = f"; version {result.version} stays live" if result.version else ""
        return f"{run}: {result.node or 'the runner'} {result.end}: {result.reason}{kept}"

    def as_json(self) -> dict[str, Any]:
        """Returns the event, the sentence, and the run with its nodes as plain values."""
        return {
            "event": self.event,
            "waiting": self.result.waiting,
            "pipeline": self.pipeline,
            "text": self.text,
            "node": self.result.node,
            "reason": self.result.reason,
            **self.described,
        }


def ended_run(paths: Paths, manifest: Manifest, result: RunResult) -> EndedRun:
    """Returns the run of a result, read from ML Metadata."""
    history = History(paths, manifest.name)
    found = described(history, result.run)
    return EndedRun(
        manifest=manifest,
        result=result,
        # ML Metadata knows nothing of a node that never started.
        described={**found, "state": result.end},
        nodes={each.node: each for each in history.executions(result.run)},
        lineage=history.lineage,
        root=paths.root,
        served=paths.served(manifest.push, manifest.name),
    )
