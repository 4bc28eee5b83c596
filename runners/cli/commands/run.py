"""`beltline run`: compiles the pipeline and runs it locally, unless nothing changed."""

import secrets
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from beltline.base.loading import loading
from beltline.base.printable import printable
from beltline.bundle.manifest import Manifest
from beltline.runners.checks.beam import check_reach
from beltline.runners.cli.json_lines import JsonLines, print_result
from beltline.runners.cli.options import open_project, settings_options
from beltline.runners.cli.quiet import stderr_in
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.cause import lines_that_matter
from beltline.runners.local.partial import check_node, nodes_between
from beltline.runners.local.record import Record, last_good, next_number, only_run, records
from beltline.runners.local.watch import Ends, Watch
from beltline.runners.paths import Paths
from beltline.runners.progress import print_node
from beltline.runners.result import RunResult, not_pushed, run_result
from beltline.runners.tracking.tell import tell
from beltline.versions.approval import waits
from beltline.versions.folder import numbers
from beltline.versions.live import live
from beltline.versions.store import Place, shown

if TYPE_CHECKING:
    from beltline.bundle.folder import Bundle
    from beltline.runners.local.runner import RunRequest

_ALL = "*"
_KILLED = "the run was killed"


@click.command("run")
@settings_options
@click.option(
    "--from", "start", metavar="NODE", help="Start at this node, with the latest run's results."
)
@click.option("--to", "end", metavar="NODE", help="Stop after this node.")
@click.option(
    "--force",
    is_flag=False,
    flag_value=_ALL,
    metavar="[NODE]",
    help="Run every node, or this one, even if its result is cached.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each event.")
def run(
    file: Path,
    overrides: tuple[str, ...],
    start: str | None,
    end: str | None,
    force: str | None,
    as_json: bool,
) -> None:
    """Run the pipeline locally, unless it is up to date."""
    project, paths = open_project(file, overrides)
    check_reach(paths, project.settings)
    from beltline.pipeline import preflight
    from beltline.pipeline.nodes import ABOUT

    resolved = preflight.check(project)
    inputs = resolved.inputs_digest
    for flag, node in (("--from", start), ("--to", end), ("--force", force)):
        if node and node != _ALL:
            check_node(list(ABOUT), flag, node)
    name = project.settings.name
    whole = not (start or end or force)
    with only_run(paths.root):
        good = last_good(paths.root, name, inputs) if whole else None
        served = paths.served(project.settings.push.directory, name)
        if good and _is_whole(good, served, resolved.predictions):
            _say(as_json, f"{name}: no changes since run {good.run}: {_state(good, served)}")
            if as_json:
                print_result(_as_it_is(good, served))
            return
        _reconcile_killed_runs(paths)
        _say(as_json, f"{name}: starting (importing TensorFlow and TFX takes a while)")
        run_id = _new_run()
        with stderr_in(paths.log(run_id, "start")):
            with loading():
                # Only now, as the import takes seconds.
                from beltline.pipeline.compile import compile_bundle
                from beltline.runners.local.runner import RunRequest

            bundle = compile_bundle(resolved, paths.bundles)
        record = Record(
            run_id,
            name,
            bundle.manifest.digest,
            inputs if whole else "",
            number=next_number(paths.root),
        )
        nodes = nodes_between(bundle.manifest, start, end)
        forced = frozenset(nodes if force == _ALL else [force] if force else [])
        capacity = Capacity.of_machine(project.settings.local.max_active_nodes)
        request = RunRequest(run_id, nodes, capacity, forced)
        _run(bundle, paths, record, request, served, as_json)


def _say(as_json: bool, text: str) -> None:
    """Prints a line for people; beside JSON on stderr."""
    click.echo(text, err=as_json)


def _watch(
    manifest: Manifest, paths: Paths, request: "RunRequest", as_json: bool
) -> AbstractContextManager[Watch]:
    """Returns who shows the run: JSON, a table on a terminal, or lines."""
    if as_json:
        return nullcontext(JsonLines())
    # Only now: a run that has nothing to do shall say so at once.
    from rich.console import Console

    from beltline.runners.cli.durations import usual_seconds
    from beltline.runners.cli.live import LiveRun
    from beltline.runners.metadata.store import Lineage

    if not Console().is_terminal:
        return nullcontext(Ends(print_node))
    ours = [each.run for each in records(paths.root) if each.name == manifest.name]
    usual = usual_seconds(Lineage(paths.metadata, manifest.name), ours)
    return LiveRun(manifest, request.nodes, lambda node: paths.log(request.run, node), usual)


def _run(
    bundle: "Bundle",
    paths: Paths,
    record: Record,
    request: "RunRequest",
    served: Place,
    as_json: bool = False,
) -> None:
    from beltline.runners.local import runner as local
    from beltline.runners.local.children import RunStopped
    from beltline.runners.metadata.reconcile import reconcile

    _say(as_json, f"{record.name} · run {record.run} · bundle {bundle.manifest.digest[:12]}")
    record.write(paths.root)
    try:
        with _watch(bundle.manifest, paths, request, as_json) as watch:
            outcomes = local.run(bundle, paths, request, watch)
    except BaseException as error:
        reconcile(paths, record.name, record.run, _KILLED)
        record.ended("stopped" if isinstance(error, RunStopped) else "failed").write(paths.root)
        if isinstance(error, RunStopped):
            raise RunStopped(
                f"{error}; nothing was pushed. `beltline run` resumes where it stopped"
            ) from None
        _tell(paths, bundle, RunResult("failed", reason=_said(error), code=1, run=record.run))
        raise
    found = run_result(outcomes, record.run, served)
    pushed = found.version if found.end == "done" else ""
    record.ended(found.end, pushed, found.waiting).write(paths.root)
    _report(paths, record, served, as_json)
    _tell(paths, bundle, found)
    if as_json:
        print_result(found)
    if why := not_pushed(outcomes):
        _say(as_json, f"nothing was pushed, {_stays(served)}: {why}")
    _conclude(paths, found, served, as_json)


def _stays(served: Place) -> str:
    number = live(served)
    return f"version {number} stays live" if number else "no version is live"


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _tell(paths: Paths, bundle: "Bundle", found: RunResult) -> None:
    """Tells other tools of the run; what goes wrong there is a line on stderr."""
    for problem in tell(paths, bundle.manifest, found):
        click.echo(f"beltline: {printable(problem)}", err=True)


def _conclude(paths: Paths, found: RunResult, served: Place, as_json: bool) -> None:
    """Says what is served, or raises the error of a run that did not succeed."""
    if found.end == "done":
        if found.version:
            _say(as_json, f"served: {shown(served, found.version)}")
        if found.waiting:
            _say(
                as_json,
                f"version {found.waiting} waits: make it live with `beltline approve "
                f"{found.waiting}`, or `beltline reject {found.waiting}`",
            )
        return
    log = paths.log(found.run, found.node)
    said = "".join(f"\n    {printable(line)}" for line in lines_that_matter(log))
    raise found.error(
        f"log: {log}{said}\n  fix it and run `beltline run` again: "
        "it resumes there; finished nodes are not run again"
    )


def _report(paths: Paths, record: Record, served: Place, as_json: bool = False) -> None:
    """Writes the run's report, and says where; whatever is wrong with it, the run is what it is."""
    from beltline.runners.report.file import report_at_end

    problem = partial(click.echo, err=True)
    file = report_at_end(paths, record.name, record.run, served, problem)
    if file:
        _say(as_json, f"report: {file}")


def _is_whole(good: Record, served: Place, predictions: Path | None) -> bool:
    """Returns whether what a run left is still there: its version, and predictions by it."""
    if _waits(good, served):
        return True
    if _version_of(good) not in map(str, numbers(served)):
        return False
    if good.waiting:
        # The predictions are those of the version that was live before the approval.
        return predictions is None
    return predictions is None or (predictions.exists() and str(live(served)) == good.version)


def _waits(good: Record, served: Place) -> bool:
    """Returns whether the run's version still waits, and can be approved as things are."""
    return bool(good.waiting) and waits(served, int(good.waiting))


def _version_of(good: Record) -> str:
    return good.waiting or good.version


def _state(good: Record, served: Place) -> str:
    number, ours = live(served), _version_of(good)
    if _waits(good, served):
        return f"version {ours} waits for approval (`beltline approve {ours}`)"
    chosen = "" if str(number) == ours else f"; version {number} has been promoted since"
    return f"version {ours} is up to date{chosen}"


def _as_it_is(good: Record, served: Place) -> RunResult:
    """Returns the result of a run again; what waited then may be a version by now."""
    if _waits(good, served):
        return RunResult("done", run=good.run, waiting=good.waiting)
    return RunResult("done", version=_version_of(good), run=good.run)


def _reconcile_killed_runs(paths: Paths) -> None:
    """Marks executions of killed runs failed: this run holds the root, so no other is alive."""
    from beltline.runners.metadata.reconcile import reconcile

    for record in records(paths.root):
        if record.end == "running":
            reconcile(paths, record.name, record.run, _KILLED)
            record.ended("stopped").write(paths.root)


def _new_run() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
