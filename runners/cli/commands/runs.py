"""`beltline runs`: the runs of this pipeline wherever they ran, or the nodes of one."""

import difflib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beltline.base.database_url import sqlite_file
from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.models import table
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.local.record import holder, records
from beltline.runners.node.outcome import PUSHER
from beltline.runners.paths import Paths

if TYPE_CHECKING:
    from beltline.runners.metadata.store import Lineage, NodeRun

LATEST = "latest"
_MOST_NAMED = 16
_WORKING = ("running", "new")


@dataclass(frozen=True)
class Run:
    """A run. `state` is done, failed, refused, skipped, running or stopped.

    Skipped are runs for which there were no data. Times are epoch seconds.
    """

    run: str
    started: float | None
    seconds: float | None
    state: str
    version: str
    bundle: str


@dataclass(frozen=True)
class Node:
    """A node of a run. `state` may also be cached, skipped, or `not run`."""

    node: str
    state: str
    started: float | None = None
    seconds: float | None = None
    reason: str = ""
    log: str = ""


@click.command("runs")
@click.argument("run", required=False)
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def runs(run: str | None, file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """List the runs, the newest last, or the nodes of RUN; RUN may be `latest`."""
    project, paths = open_project(file, overrides)
    history = History(paths, project.settings.name)
    if run:
        _show_nodes(history, history.find(run), as_json)
    else:
        _show_runs(history.runs(), project.settings.name, as_json)


def check_choice(message: str, given: str, names: Sequence[str]) -> None:
    """Raises WrongInput with `message` and the nearest name if `given` is none of `names`."""
    if given not in names:
        folded = {name.lower(): name for name in names}
        close = difflib.get_close_matches(given.lower(), folded, n=1, cutoff=0.5)
        hint = f"; did you mean {folded[close[0]]}?" if close else ""
        last = f" (there: {', '.join(names[-_MOST_NAMED:])})" if names else "; there is none yet"
        raise WrongInput(f"{message}{hint}{last}")


class History:
    """The runs of one pipeline: what ML Metadata and this root's own records say together.

    `lineage` is ML Metadata; None where there is none yet.
    """

    def __init__(self, paths: Paths, pipeline: str):
        self._paths = paths
        self._records = {r.run: r for r in records(paths.root) if r.name == pipeline}
        self.lineage = _lineage(paths, pipeline)
        self._busy = holder(paths.root) is not None

    def runs(self) -> list[Run]:
        """Returns every run, oldest first."""
        noted = self.lineage.runs() if self.lineage else []
        # A run that was stopped early left a record alone.
        names = dict.fromkeys([*noted, *self._records])
        return sorted((self.run(name) for name in names), key=lambda run: run.started or 0)

    def find(self, run: str) -> str:
        """Returns the id of a run; `latest` is that of the newest.

        Raises:
          WrongInput: there is no such run; the message has the nearest one.
        """
        known = [each.run for each in self.runs()]
        run = known[-1] if run == LATEST and known else run
        check_choice(f"no run '{run}'", run, known)
        return run

    def run(self, run: str) -> Run:
        """Returns one run."""
        executions = self.executions(run)
        state = self._state(run, executions)
        record = self._records.get(run)
        bundles = [record.bundle] if record else [each.bundle for each in executions]
        started = min((each.started for each in executions), default=_time_in(run))
        return Run(
            run=run,
            started=started,
            seconds=_seconds(started, [each.ended for each in executions], state),
            state=state,
            version=_pushed(executions),
            bundle=next(filter(None, bundles), ""),
        )

    def nodes(self, run: str) -> list[Node]:
        """Returns the nodes of a run in order of their start, then those that did not run."""
        executions = self.executions(run)
        state = self._state(run, executions)
        nodes = [self._node(run, each, state) for each in executions]
        ran = {node.node for node in nodes}
        missing = [name for name in self._nodes_of_bundle(self.run(run).bundle) if name not in ran]
        return nodes + [Node(name, "not run", log=self._log(run, name)) for name in missing]

    def executions(self, run: str) -> list["NodeRun"]:
        """Returns the last execution of each node: an earlier one was tried again."""
        found = self.lineage.nodes(run) if self.lineage else []
        return list({execution.node: execution for execution in found}.values())

    def _state(self, run: str, executions: list["NodeRun"]) -> str:
        record = self._records.get(run)
        if record and record.end == "running":
            # Its process may have been killed before it could write down how it ended.
            return "running" if self._busy else "stopped"
        if record:
            return record.end
        from beltline.runners.node.outcome import read_back

        if any(each.state in _WORKING for each in executions):
            return "running"
        states = [read_back(each, each.node).state for each in executions]
        bad = next((bad for bad in ("failed", "refused") if bad in states), "")
        # Not by the outcomes: a push of what is a version already was skipped too, in a good run.
        without_data = any(each.state == "canceled" for each in executions)
        return bad or ("skipped" if without_data else "done")

    def _node(self, run: str, execution: "NodeRun", of_run: str) -> Node:
        from beltline.runners.node.outcome import read_back

        outcome = read_back(execution, execution.node)
        state: str = outcome.state
        reason = outcome.reason
        if execution.state in _WORKING:
            state, reason = ("running" if of_run == "running" else "stopped"), ""
        seconds = _seconds(execution.started, [execution.ended], state)
        log = self._log(run, execution.node)
        return Node(execution.node, state, execution.started, seconds, reason, log)

    def _log(self, run: str, node: str) -> str:
        log = self._paths.log(run, node)
        return str(log) if log.is_file() else ""

    def _nodes_of_bundle(self, digest: str) -> list[str]:
        from beltline.bundle.folder import open_bundle

        try:
            manifest = open_bundle(self._paths.bundles / digest[:16]).manifest
        except WrongInput:
            return []
        return [node.id for node in manifest.nodes]


def _lineage(paths: Paths, pipeline: str) -> "Lineage | None":
    """Opens ML Metadata; None if there is none yet, since opening would create it."""
    from beltline.runners.metadata.store import Lineage

    file = sqlite_file(paths.metadata)
    return None if file and not file.exists() else Lineage(paths.metadata, pipeline)


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


def _show_runs(found: list[Run], pipeline: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_as_json(run) for run in found], indent=2))
    elif not found:
        click.echo(f"{pipeline}: no runs yet; `beltline run` makes one")
    else:
        head = ["run", "started", "seconds", "state", "version", "bundle"]
        click.echo("\n".join(table([head, *(_run_row(run) for run in found)])))


def _run_row(run: Run) -> list[str]:
    form = "%Y-%m-%d %H:%M:%S"
    started = time.strftime(form, time.localtime(run.started)) if run.started else "-"
    last = [run.version or "-", run.bundle[:12] or "-"]
    return [run.run, started, _shown(run.seconds), run.state, *last]


def described(history: History, run: str) -> dict[str, Any]:
    """Returns a run and its `nodes` as JSON has them."""
    nodes = [_as_json(node) for node in history.nodes(run)]
    return {**_as_json(history.run(run)), "nodes": nodes}


def _show_nodes(history: History, run: str, as_json: bool) -> None:
    found, nodes = history.run(run), history.nodes(run)
    if as_json:
        click.echo(json.dumps(described(history, run), indent=2))
        return
    version = f" · version {found.version}" if found.version else ""
    click.echo(f"run {run} · {found.state} · bundle {found.bundle[:12] or '-'}{version}")
    rows = [[node.node, node.state, _shown(node.seconds), node.log or "-"] for node in nodes]
    click.echo("\n".join(table([["node", "state", "seconds", "log"], *rows])))
    for node in nodes:
        if node.reason:
            reason = node.reason.replace("\n", "\n  ")
            click.echo(f"{node.node} {node.state}:\n  {reason}")


def _as_json(each: Run | Node) -> dict[str, Any]:
    started = datetime.fromtimestamp(each.started, UTC) if each.started else None
    iso = started.isoformat(timespec="milliseconds") if started else None
    return {**asdict(each), "started": iso}


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"
