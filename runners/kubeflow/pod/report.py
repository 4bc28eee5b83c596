"""The exit task of a package: reconciles ML Metadata, and reports the result of the run.

`python -m beltline.runners.kubeflow.pod.report --bundle DIR --run ID [--monitored]`; needs no TFX.
It prints a line for each node, as a local run does, and last the result (see
`runners/result.py`). Its exit code is that of `beltline run`, so that Kubeflow shows a run that did
not succeed as failed.
"""

import sys
from functools import partial
from pathlib import Path

import click

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.bundle.folder import open_bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.waiting import PATIENCE_SECONDS, wait_for_metadata
from beltline.runners.node.outcome import read_back
from beltline.runners.node.parameters import check_run
from beltline.runners.paths import Paths
from beltline.runners.pods.log_line import log_line
from beltline.runners.progress import print_node
from beltline.runners.report.file import report_at_end
from beltline.runners.result import RunResult, recorded_result
from beltline.runners.tracking.tell import tell

_KILLED = "its pod was killed (out of memory, evicted, or over its time limit?)"
_NO_RESULT = "no result was recorded; see the pod's log and the task's events in Kubeflow"


def reported(manifest: Manifest, run: str, paths: Paths, monitored: bool = False) -> RunResult:
    """Reconciles ML Metadata, prints a line for each node, and returns the result of the run.

    The report is written into the root, and the tools of the section `tracking` are told of it.

    Args:
      manifest: the bundle's manifest.
      run: the run's id.
      paths: the root and ML Metadata.
      monitored: the nodes run only on an alarm; a run without any of them is done.
    """
    lineage = wait_for_metadata(paths, manifest.name, PATIENCE_SECONDS)
    reconcile(paths, manifest.name, run, _KILLED)
    latest = {each.node: each for each in lineage.nodes(run)}
    for node in manifest.nodes:
        if each := latest.get(node.id):
            print_node(read_back(each, node.id), each.ended - each.started)
    if monitored and not latest:
        return RunResult("done", run=run)
    found = recorded_result(manifest, latest, run, paths, _NO_RESULT)
    served = paths.served(manifest.push, manifest.name)
    file = report_at_end(paths, manifest.name, run, served, partial(click.echo, err=True))
    if file:
        click.echo(f"report: {file}")
    for problem in tell(paths, manifest, found):
        click.echo(f"beltline: {problem}", err=True)
    return found


def _reported(folder: Path, run: str, monitored: bool) -> RunResult:
    if monitored and not folder.exists():
        # The first alarm writes it.
        return RunResult("done", run=run)
    return reported(open_bundle(folder).manifest, run, Paths.from_environment(), monitored)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--monitored", is_flag=True, help="The nodes run only on an alarm.")
def main(folder: Path, run: str, monitored: bool) -> None:
    """Reconcile ML Metadata after a run, and report its result."""
    check_run(run)
    try:
        found = _reported(folder, run, monitored)
    except BeltlineError as error:
        found = RunResult("failed", "report", str(error), code=NodeFailed.exit_code, run=run)
    if found.end != "done":
        click.echo(f"beltline: {found.error()}", err=True)
    click.echo(log_line(found.line()))
    sys.exit(found.code)


if __name__ == "__main__":
    main()
