"""A node as a task of a package: the node runner, with exit codes for Kubeflow.

`python -m beltline.runners.kubeflow.pod.task` has the node runner's options, but `--force` names
the forced nodes of the run. Kubeflow has only success and failure, and retries every failure. So a
skipped node succeeds (the node runner skips those downstream), and a gate that has already refused
in this run is not run again.
"""

from pathlib import Path

import click

from beltline.base.errors import BeltlineError
from beltline.bundle.folder import Bundle, open_bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.kubeflow.log_line import log_line
from beltline.runners.kubeflow.tasks import ALL
from beltline.runners.local.partial import check_node
from beltline.runners.metadata.store import open_exclusively
from beltline.runners.node.outcome import DONE, SKIPPED, Outcome, read_back
from beltline.runners.node.parameters import check_run
from beltline.runners.node.run import exit_with, run_from_options, set_up_logging
from beltline.runners.paths import Paths


def is_forced(manifest: Manifest, node: str, force: str) -> bool:
    """Returns whether `force`, comma-separated node ids or `all`, names a node."""
    named = [word.strip() for word in force.split(",") if word.strip()]
    for each in named:
        if each != ALL:
            check_node([known.id for known in manifest.nodes], "force", each)
    return node in named or ALL in named


def refused_before(bundle: Bundle, node: str, run: str, paths: Paths) -> Outcome | None:
    """Returns the refusal of a gate in an earlier attempt of its task, or None."""
    if not any(each.id == node and each.gate for each in bundle.manifest.nodes):
        return None
    outcome = read_back(open_exclusively(paths, bundle.manifest.name).node(run, node), node)
    return outcome if outcome.state == "refused" and outcome.exit_code else None


def _run(folder: Path, node: str, run: str, parameters: tuple[str, ...], force: str) -> Outcome:
    check_run(run)
    try:
        bundle = open_bundle(folder)
        forced = is_forced(bundle.manifest, node, force)
        before = refused_before(bundle, node, run, Paths.from_environment())
    except BeltlineError as error:
        return Outcome(node, "failed", reason=str(error))
    return before or run_from_options(folder, node, run, parameters, forced)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--node", required=True, help="The node's id.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--param", "parameters", multiple=True, help="A runtime parameter, as name=value.")
@click.option("--force", default="", help="The nodes to run even if their results are cached.")
def main(folder: Path, node: str, run: str, parameters: tuple[str, ...], force: str) -> None:
    """Run one node of a bundle as a task of Kubeflow's."""
    set_up_logging()
    outcome = _run(folder, node, run, parameters, force)
    exit_code = DONE if outcome.exit_code == SKIPPED else outcome.exit_code
    exit_with(outcome, exit_code, log_line)


if __name__ == "__main__":
    main()
