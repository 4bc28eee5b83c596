"""The runs of a pipeline wherever they ran: ML Metadata and this root's own records together."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.choices import check_choice
from beltline.runners.local.record import holder, records
from beltline.runners.node.outcome import PUSHER
from beltline.runners.paths import Paths

if TYPE_CHECKING:
    from beltline.bundle.manifest import Manifest
    from beltline.runners.metadata.store import Lineage, NodeRun

LATEST = "latest"


@dataclass(frozen=True)
class RunSummary:
    """A run. `state` is done, failed, refused, skipped, running or stopped.

    A run is skipped if there was no data for it. Times are seconds since the epoch.
    """

    run: str
    started: float | None
    seconds: float | None
    state: str
    version: str
    bundle: str


@dataclass(frozen=True)
class NodeSummary:
    """A node of a run. `state` may also be cached, skipped, or `not run`."""

    node: str
    state: str
    started: float | None = None
    seconds: float | None = None
    reason: str = ""
    log: str = ""


class History:
    """The runs of one pipeline. `lineage` is its ML Metadata; None where there is none yet."""

    def __init__(self, paths: Paths, pipeline: str, lineage: "Lineage | None" = None):
        self._paths = paths
        self._records = {r.run: r for r in records(paths.root) if r.name == pipeline}
        self.lineage = lineage or _lineage(paths, pipeline)
        self._busy = holder(paths.root) is not None

    def runs(self) -> list[RunSummary]:
        """Returns every run, oldest first."""
        noted = self.lineage.every_node() if self.lineage else {}
        # A run that was stopped early has a record only.
        names = dict.fromkeys([*noted, *self._records])
        found = [self._summary(name, _last(noted.get(name, []))) for name in names]
        return sorted(found, key=lambda run: run.started or 0)

    def find(self, run: str) -> str:
        """Returns the id of a run; `latest` stands for the newest.

        Raises:
          WrongInput: the run is not found; the message has the nearest id.
        """
        known = [each.run for each in self.runs()]
        run = known[-1] if run == LATEST and known else run
        check_choice(f"run '{run}' not found", run, known)
        return run

    def knows(self, run: str) -> bool:
        """Returns whether there is a run of this id; `runs` would read each of them."""
        return run in self._records or bool(self.lineage and run in self.lineage.runs())

    def run(self, run: str) -> RunSummary:
        """Returns one run."""
        return self._summary(run, self.executions(run))

    def _summary(self, run: str, executions: list["NodeRun"]) -> RunSummary:
        state = self._state(run, executions)
        record = self._records.get(run)
        bundles = [record.bundle] if record else [each.bundle for each in executions]
        started = min((each.started for each in executions), default=_time_in(run))
        return RunSummary(
            run=run,
            started=started,
            seconds=_seconds(started, [each.ended for each in executions], state),
            state=state,
            version=_pushed(executions),
            bundle=next(filter(None, bundles), ""),
        )

    def nodes(self, run: str) -> list[NodeSummary]:
        """Returns the nodes of a run in the order they started, then those that did not run."""
        executions = self.executions(run)
        state = self._state(run, executions)
        nodes = [self._node(run, each, state) for each in executions]
        ran = {node.node for node in nodes}
        manifest = self.manifest(run)
        every = [node.id for node in manifest.nodes] if manifest else []
        missing = [name for name in every if name not in ran]
        return nodes + [NodeSummary(name, "not run", log=self._log(run, name)) for name in missing]

    def manifest(self, run: str) -> "Manifest | None":
        """Returns the manifest of a run's bundle; None if the bundle isn't in this root."""
        from beltline.bundle.folder import open_bundle

        try:
            return open_bundle(self._paths.bundles / self.run(run).bundle[:16]).manifest
        except WrongInput:
            return None

    def executions(self, run: str) -> list["NodeRun"]:
        """Returns the last execution of each node; earlier ones were retried."""
        return _last(self.lineage.nodes(run) if self.lineage else [])

    def _state(self, run: str, executions: list["NodeRun"]) -> str:
        record = self._records.get(run)
        if record and record.end == "running":
            # Its process may have been killed before it recorded how the run ended.
            return "running" if self._busy else "stopped"
        if record:
            return record.end
        from beltline.runners.node.outcome import read_back

        if any(each.unfinished for each in executions):
            return "running"
        states = [read_back(each, each.node).state for each in executions]
        bad = next((bad for bad in ("failed", "refused") if bad in states), "")
        # Not from the outcomes: a push of an existing version is skipped too, in a good run.
        no_data = any(each.state == "canceled" for each in executions)
        return bad or ("skipped" if no_data else "done")

    def _node(self, run: str, execution: "NodeRun", of_run: str) -> NodeSummary:
        from beltline.runners.node.outcome import read_back

        outcome = read_back(execution, execution.node)
        state: str = outcome.state
        reason = outcome.reason
        if execution.unfinished:
            state, reason = ("running" if of_run == "running" else "stopped"), ""
        seconds = _seconds(execution.started, [execution.ended], state)
        log = self._log(run, execution.node)
        return NodeSummary(execution.node, state, execution.started, seconds, reason, log)

    def _log(self, run: str, node: str) -> str:
        log = self._paths.log(run, node)
        return str(log) if log.is_file() else ""


def _lineage(paths: Paths, pipeline: str) -> "Lineage | None":
    """Opens ML Metadata; None if there is none yet, since opening would create it."""
    from beltline.runners.metadata.store import Lineage

    file = sqlite_file(paths.metadata)
    return None if file and not file.exists() else Lineage(paths.metadata, pipeline)


def _last(executions: list["NodeRun"]) -> list["NodeRun"]:
    return list({execution.node: execution for execution in executions}.values())


def _pushed(executions: list["NodeRun"]) -> str:
    from beltline.runners.metadata.store import first

    pushes = [first(e.outputs, "PushedModel") or {} for e in executions if e.node == PUSHER]
    return next((str(p.get("pushed_version", "")) for p in pushes if p.get("pushed")), "")


def _seconds(started: float | None, ended: list[float], state: str) -> float | None:
    if started is None or not (ended or state == "running"):
        return None
    return round((time.time() if state == "running" else max(ended)) - started, 3)


def _time_in(run: str) -> float | None:
    """Returns the time, in UTC, that the local runner put into a run's id."""
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def described(history: History, run: str) -> dict[str, Any]:
    """Returns a run and its `nodes` as `beltline runs RUN --json` prints them."""
    nodes = [as_json(node) for node in history.nodes(run)]
    return {**as_json(history.run(run)), "nodes": nodes}


def as_json(summary: RunSummary | NodeSummary) -> dict[str, Any]:
    """Returns a run or a node as plain values; `started` is an ISO time in UTC."""
    started = datetime.fromtimestamp(summary.started, UTC) if summary.started else None
    iso = started.isoformat(timespec="milliseconds") if started else None
    return {**asdict(summary), "started": iso}
