"""A group of nodes as an orchestrator's task: the local runner, in one pod.

`python -m beltline.runners.pods.task --bundle DIR --node ID… --run ID` runs the nodes in
their order, each in a process of its own, and prints a result for each (see `log_line.py`). What
has succeeded in the run, in whatever pod, is not run again.

Airflow retries tasks and knows skipped ones: it gets the node runner's exit codes, and each pod is
one attempt. Kubeflow has only success and failure; some versions run a failed task again and some
don't. So with `--attempts`, a skipped node succeeds, and a failed node is run again here, as often
as the settings say, whatever pod it failed in; a gate that has refused is not run again.
"""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from beltline.base.errors import BeltlineError
from beltline.bundle.folder import Bundle, open_bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.children import RunStopped
from beltline.runners.local.partial import check_node
from beltline.runners.local.runner import STOPPED, RunRequest, run_nodes
from beltline.runners.local.watch import Ends
from beltline.runners.metadata.store import NodeRun
from beltline.runners.metadata.waiting import PATIENCE_SECONDS, wait_for_metadata
from beltline.runners.node.outcome import DONE, FAILED, SKIPPED, Outcome, read_back
from beltline.runners.node.parameters import ALL, check_run, read_parameters
from beltline.runners.node.run import set_up_logging
from beltline.runners.paths import Paths
from beltline.runners.pods.groups import Group
from beltline.runners.pods.log_line import log_line

log = logging.getLogger("beltline.task")

_SUCCEEDED = ("complete", "cached")
# A node without data for its day is canceled.
_ENDED_WELL = (*_SUCCEEDED, "canceled")


@dataclass(frozen=True)
class Attempts:
    """How often a failed node is run again, and after how many seconds; these double each time."""

    retries: int
    delay: float


def forced(manifest: Manifest, force: str) -> frozenset[str]:
    """Returns the nodes that `force`, comma-separated node ids or `all`, names.

    Raises:
      WrongInput: one of them is unknown.
    """
    known = [node.id for node in manifest.nodes]
    named = {word.strip() for word in force.split(",") if word.strip()}
    for each in named - {ALL}:
        check_node(known, "force", each)
    return frozenset(known if ALL in named else named)


def run_group(
    bundle: Bundle, paths: Paths, request: RunRequest, attempts: Attempts | None = None
) -> int:
    """Runs the nodes, prints their results, and returns the exit code.

    Args:
      bundle: the bundle.
      paths: the root, ML Metadata and the data.
      request: what to run.
      attempts: how often; None where the caller retries, and tells a skipped task from a success.
        A node that was skipped, or a gate that refused, then runs again, as the caller wants it to.
    """
    # The caller that retries waits by itself.
    seconds = PATIENCE_SECONDS if attempts else 0
    before = wait_for_metadata(paths, bundle.manifest.name, seconds).nodes(request.run)
    latest = {each.node: each for each in before if each.node in request.nodes}
    failures = Counter(each.node for each in before if _is_failure(each))
    if attempts and (last := _not_again(bundle, latest, failures, attempts)):
        _print_result(last, 0)
        return FAILED
    ended = _results_before(latest, _ENDED_WELL if attempts else _SUCCEEDED)
    while left := [node for node in request.nodes if node not in ended]:
        outcomes = run_nodes(bundle, paths, replace(request, nodes=left), Ends(_print_result))
        ended |= {each.node: each for each in outcomes if each.exit_code != FAILED}
        bad = next((each for each in outcomes if each.exit_code == FAILED), None)
        if bad is None:
            break
        failures[bad.node] += 1
        if not attempts or bad.state == "refused" or failures[bad.node] > attempts.retries:
            return FAILED
        delay = attempts.delay * 2 ** (failures[bad.node] - 1)
        log.warning("%s failed; it is run again in %g s", bad.node, delay)
        time.sleep(delay)
        # It may be why the node has failed.
        wait_for_metadata(paths, bundle.manifest.name, PATIENCE_SECONDS)
    skipped = any(each.exit_code == SKIPPED for each in ended.values())
    return SKIPPED if skipped and not attempts else DONE


def _results_before(latest: dict[str, NodeRun], states: Sequence[str]) -> dict[str, Outcome]:
    """Returns the outcomes of nodes that another pod has run to one of the states, and prints them.

    That pod may not have lived to say what its task came to.
    """
    found = {node: read_back(each, node) for node, each in latest.items() if each.state in states}
    for node, outcome in found.items():
        _print_result(outcome, latest[node].ended - latest[node].started)
    return found


def _is_failure(attempt: NodeRun) -> bool:
    return attempt.state not in _ENDED_WELL and not attempt.reason.startswith(STOPPED)


def _not_again(
    bundle: Bundle, latest: dict[str, NodeRun], failures: Counter[str], attempts: Attempts
) -> Outcome | None:
    """Returns the outcome of a node that must not run again in this run, None if there is none."""
    for node, attempt in latest.items():
        outcome = read_back(attempt, node)
        refused = outcome.state == "refused" and bundle.manifest.node(node).gate is not None
        exhausted = attempt.state not in _ENDED_WELL and failures[node] > attempts.retries
        if (refused or exhausted) and outcome.exit_code:
            return outcome
    return None


def _print_result(outcome: Outcome, seconds: float) -> None:
    if outcome.reason:
        click.echo(f"{outcome.node} {outcome.state}: {outcome.reason}", err=True)
    result = json.loads(outcome.line()) | {"seconds": round(seconds, 1)}
    click.echo(log_line(json.dumps(result, sort_keys=True)))


def _in_order(manifest: Manifest, nodes: Sequence[str]) -> list[str]:
    known = [node.id for node in manifest.nodes]
    for each in nodes:
        check_node(known, "--node", each)
    return [node for node in known if node in nodes]


def _capacity(manifest: Manifest, nodes: Sequence[str]) -> Capacity:
    """Returns the capacity of this pod, which has what the most demanding node asks for."""
    group = Group("", tuple(manifest.node(node) for node in nodes), ())
    machine = Capacity.of_machine()
    return replace(machine, cpu=group.resources.cpu or machine.cpu)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--node", "nodes", multiple=True, required=True, help="A node's id; repeatable.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--param", "parameters", multiple=True, help="A runtime parameter, as name=value.")
@click.option("--force", default="", help="The nodes to run even if their results are cached.")
@click.option("--limit", type=float, metavar="SECONDS", help="The time limit of each node.")
@click.option(
    "--attempts",
    type=(int, float),
    metavar="RETRIES SECONDS",
    help="How often a failed node is run again, and after how many seconds; a skipped node is a "
    "success then. Without it, the caller retries, and the exit codes are the node runner's.",
)
def main(
    folder: Path,
    nodes: tuple[str, ...],
    run: str,
    parameters: tuple[str, ...],
    force: str,
    limit: float | None,
    attempts: tuple[int, float] | None,
) -> None:
    """Run nodes of a bundle as one task."""
    set_up_logging()
    check_run(run)
    try:
        bundle = open_bundle(folder)
        members = _in_order(bundle.manifest, nodes)
        request = RunRequest(
            run=run,
            nodes=members,
            capacity=_capacity(bundle.manifest, members),
            forced=forced(bundle.manifest, force),
            parameters=read_parameters(bundle.manifest, parameters),
            log_files=False,
            time_limit=limit,
        )
        paths = Paths.from_environment()
        sys.exit(run_group(bundle, paths, request, Attempts(*attempts) if attempts else None))
    except RunStopped as error:
        # What each node came to is in ML Metadata.
        click.echo(f"beltline: {error}", err=True)
        sys.exit(error.exit_code)
    except BeltlineError as error:
        _print_result(Outcome(nodes[0], "failed", reason=str(error)), 0)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
