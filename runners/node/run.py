"""The node runner: one node of a bundle, anywhere.

`python -m beltline.runners.node --bundle DIR --node ID --run ID [--param k=v]…`; every runner calls
this, or `run_node` in a process that has imported TFX already. The last line on stdout is one JSON
object (see `outcome.py`).
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from beltline.base.errors import BeltlineError, GateRefused, NoData, WrongInput
from beltline.base.loading import loading
from beltline.bundle import code
from beltline.bundle.environment import check_lock
from beltline.bundle.folder import Bundle, open_bundle
from beltline.runners.metadata.leftovers import fail_killed, remove_temporary, sweep
from beltline.runners.metadata.store import (
    BUNDLE,
    REASON,
    REFUSED,
    Lineage,
    NodeRun,
    open_exclusively,
)
from beltline.runners.node.outcome import FAILED, Outcome, read_back
from beltline.runners.node.parameters import check_run, read_parameters
from beltline.runners.node.staging import staging_of
from beltline.runners.node.stopping import NodeStopped, stop_on_signals
from beltline.runners.paths import Paths
from beltline.runners.tracking.openlineage import NodeEvents

log = logging.getLogger("beltline.node")


def run_node(
    bundle: Bundle,
    node: str,
    run: str,
    paths: Paths,
    parameters: Mapping[str, str | int] | None = None,
    force: bool = False,
) -> Outcome:
    """Runs one node in this process and returns its outcome from ML Metadata.

    A node downstream of a gate that refused, or of data that was not found, is skipped. A killed
    attempt is first marked as failed. SIGTERM and SIGINT mark the execution as failed before this
    returns.

    Args:
      bundle: the bundle.
      node: the node's id.
      run: the run's id.
      paths: the root, ML Metadata and the data.
      parameters: the runtime parameters by name; those left out have their defaults.
      force: run the node even if its result is cached.

    Raises:
      WrongInput: the environment is of another lock than the bundle, or the run started with
        another bundle that can't be opened.
    """
    lineage = open_exclusively(paths, bundle.manifest.name)
    before = lineage.nodes(run)
    bundle = bundle_of_run(bundle, node, run, before)
    check_lock(bundle.manifest.lock)
    reason = _reason_to_skip(bundle, node, before)
    if reason:
        return Outcome(node, "skipped", reason=reason)
    for attempt in before:
        if attempt.node == node:
            fail_killed(lineage, paths, attempt, "the previous attempt was killed")
    away = paths.beam.runner_of(node) != "direct"
    if away:
        sweep(lineage, paths, node)
    staging = staging_of(lineage, paths, node)
    os.environ.update(paths.environment())
    code.use(bundle.code)
    told = NodeEvents(bundle.manifest, node, run, len(before), paths)
    told.start()

    def launched() -> None:
        with loading():
            # The import takes seconds, and a skipped node doesn't need it.
            from beltline.runners.node.launch import launch

        launch(bundle, node, run, paths, parameters or {}, force, staging)

    failure = _failure_of(node, launched)
    found = lineage.node(run, node)
    if away and found:
        remove_temporary(paths, node, found.execution_id)
    outcome = _conclude(lineage, bundle, node, run, failure)
    told.end(outcome, lineage)
    return outcome


def _failure_of(node: str, launched: Callable[[], None]) -> Exception | None:
    """Returns what ended a component before its time."""
    failure: Exception | None = None
    with stop_on_signals() as stopped:
        try:
            launched()
        except (GateRefused, NoData) as said:
            failure = said
        except Exception as unforeseen:
            # Beam wraps a component's exception in a long text of its own: the log has all of it.
            log.exception("%s failed", node)
            failure = unforeseen
    return NodeStopped(stopped[0]) if stopped else failure


def _conclude(
    lineage: Lineage, bundle: Bundle, node: str, run: str, failure: Exception | None
) -> Outcome:
    error = _plain(failure) if failure else ""
    found = lineage.node(run, node)
    if found and isinstance(failure, NoData):
        lineage.cancel(found.execution_id, error)
    elif found and failure:
        refused = "yes" if isinstance(failure, GateRefused) else ""
        lineage.fail(found.execution_id, error)
        lineage.annotate(found.execution_id, **{REASON: error, REFUSED: refused})
    if found:
        lineage.annotate(found.execution_id, **{BUNDLE: bundle.manifest.digest})
    return read_back(lineage.node(run, node), node, error)


def bundle_of_run(bundle: Bundle, node: str, run: str, before: list[NodeRun]) -> Bundle:
    """Returns the bundle that the run started with: another may have been deployed since."""
    digest = next((attempt.bundle for attempt in before if attempt.bundle), bundle.manifest.digest)
    if digest == bundle.manifest.digest:
        return bundle
    path = bundle.path.parent / digest[:16]
    try:
        first = open_bundle(path)
        first.manifest.node(node)
    except WrongInput as error:
        raise WrongInput(
            f"run {run} started with another bundle; {error}; start a new run"
        ) from None
    except KeyError:
        raise WrongInput(
            f"run {run} started with another bundle, {path}, which has no {node}; start a new run"
        ) from None
    log.info("run %s continues with bundle %s, with which it started", run, digest[:12])
    return first


def _reason_to_skip(bundle: Bundle, node: str, before: list[NodeRun]) -> str:
    """Returns why to skip the node, if a gate upstream refused or a node upstream was skipped.

    A node that runs `after_skipped` ones stops only at data that were refused.
    """
    latest = {attempt.node: attempt for attempt in before}
    this = bundle.manifest.node(node)
    upstream = list(this.upstream)
    while upstream:
        above = bundle.manifest.node(upstream.pop())
        outcome = read_back(latest.get(above.id), above.id)
        passes = this.after_skipped and outcome.exit_code != FAILED
        if above.gate and outcome.state == "refused" and not passes:
            return f"{above.id} refused"
        if outcome.state == "skipped" and not passes:
            return f"{above.id} was skipped: {outcome.reason}"
        upstream += above.upstream
    return ""


def _plain(failure: BaseException) -> str:
    """Returns the innermost message of a Beltline error, or the exception in one line."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, BeltlineError):
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    if isinstance(failure, NodeStopped):
        return str(failure)
    text = str(failure).split(" [while running")[0].strip()
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


def set_up_logging(node: str = "") -> None:
    """Logs to stderr: Beltline from INFO on, everything else from WARNING on.

    Args:
      node: what the names of loggers begin with, where several nodes share a log.
    """
    source = f"{node}/%(name)s" if node else "%(name)s"
    form = f"%(asctime)s %(levelname)s {source}: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, force=True)
    logging.getLogger("beltline").setLevel(logging.INFO)
    # TFX warns here of what is intended: that the bundle names no metadata store.
    logging.getLogger("absl").setLevel(logging.ERROR)


def run_from_options(
    folder: Path, node: str, run: str, parameters: Sequence[str], force: bool
) -> Outcome:
    """Runs one node with the command line's options; invalid input is an outcome, too.

    Raises:
      click.BadParameter: the node is not in the bundle.
    """
    check_run(run)
    try:
        bundle = open_bundle(folder)
        if node not in [each.id for each in bundle.manifest.nodes]:
            raise click.BadParameter(f"--node: node '{node}' not found in the bundle")
        paths = Paths.from_environment()
        values = read_parameters(bundle.manifest, parameters)
        return run_node(bundle, node, run, paths, values, force)
    except BeltlineError as error:
        return Outcome(node, "failed", reason=str(error))


def exit_with(outcome: Outcome, exit_code: int) -> NoReturn:
    """Prints the outcome, its JSON object last, and exits."""
    if outcome.reason:
        click.echo(f"{outcome.node} {outcome.state}: {outcome.reason}", err=True)
    click.echo(outcome.line())
    sys.stdout.flush()
    sys.stderr.flush()
    # Without waiting for the threads of Beam and gRPC: they have nothing left to do.
    os._exit(exit_code)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--node", required=True, help="The node's id.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--param", "parameters", multiple=True, help="A runtime parameter, as name=value.")
@click.option("--force", is_flag=True, help="Run it even if its result is cached.")
def main(folder: Path, node: str, run: str, parameters: tuple[str, ...], force: bool) -> None:
    """Run one node of a bundle."""
    set_up_logging()
    outcome = run_from_options(folder, node, run, parameters, force)
    exit_with(outcome, outcome.exit_code)
