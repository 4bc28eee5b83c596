"""The last task of a package, whatever happened before it: makes ML Metadata true, and reports.

`python -m beltline.runners.kubeflow.pod.report --bundle DIR --run ID [--monitored]`; needs no TFX.
It prints a line for each node, as a local run does, and last one JSON object (see
`runners/result.py`); its exit code is that of `beltline run`, so that a run that ended badly is
shown so wherever Kubeflow shows it.
"""

import sys
from pathlib import Path

import click

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.bundle.folder import open_bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.node.outcome import Outcome, read_back
from beltline.runners.node.parameters import check_run
from beltline.runners.paths import Paths
from beltline.runners.progress import print_node
from beltline.runners.result import RunResult, run_result

_KILLED = "its pod was killed (out of memory, evicted, or over its time limit?)"
_NEVER_RAN = "its pod never came to run it; the task's events in Kubeflow say why"


def reported(manifest: Manifest, run: str, paths: Paths, monitored: bool = False) -> RunResult:
    """Marks failed what the run has left running, shows its nodes, and returns how it ended.

    `monitored` says that the nodes were for the monitoring to ask for: none of them, and it didn't.

    Raises:
      WrongInput: ML Metadata can't be opened.
    """
    reconcile(paths, manifest.name, run, _KILLED)
    latest = {each.node: each for each in Lineage(paths.metadata, manifest.name).nodes(run)}
    outcomes = []
    for node in manifest.nodes:
        if node.id in latest:
            outcomes.append(read_back(latest[node.id], node.id))
            print_node(outcomes[-1], latest[node.id].ended - latest[node.id].started)
    if monitored and not latest:
        return RunResult("done", run=run)
    found = run_result(outcomes, run, paths.root / manifest.push / manifest.name)
    # Nodes after one that ended badly have nothing to run on.
    left_out = _left_out(manifest, latest) if found.end == "done" else None
    return run_result([left_out], run) if left_out else found


def _reported(folder: Path, run: str, monitored: bool) -> RunResult:
    if monitored and not folder.exists():
        # It is written with the first alarm.
        return RunResult("done", run=run)
    return reported(open_bundle(folder).manifest, run, Paths.from_environment(), monitored)


def _left_out(manifest: Manifest, latest: dict[str, NodeRun]) -> Outcome | None:
    for node in manifest.nodes:
        if node.id not in latest:
            return Outcome(node.id, "failed", reason=_NEVER_RAN)
    return None


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--monitored", is_flag=True, help="Only an alarm asks for the nodes.")
def main(folder: Path, run: str, monitored: bool) -> None:
    """Make ML Metadata true after a run, and report how it ended."""
    check_run(run)
    try:
        found = _reported(folder, run, monitored)
    except BeltlineError as error:
        found = RunResult("failed", "report", str(error), code=NodeFailed.exit_code, run=run)
    if found.end != "done":
        click.echo(f"beltline: {found.error()}", err=True)
    click.echo(found.line())
    sys.exit(found.code)


if __name__ == "__main__":
    main()
