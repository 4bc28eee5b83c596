"""Writes the report of a run that an orchestrator has ended, and tells other tools of it.

`python -m beltline.runners.tracking --bundle DIR --run ID`; needs no TFX. It reads from ML Metadata
how the run ended. A report that can't be written, or a tool that can't be told, is in the log, and
the exit code is 0.
"""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import click

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.bundle.folder import open_bundle
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.waiting import PATIENCE_SECONDS, wait_for_metadata, wait_for_nodes
from beltline.runners.node.parameters import check_run
from beltline.runners.node.run import set_up_logging
from beltline.runners.paths import Paths
from beltline.runners.report.file import report_at_end
from beltline.runners.result import recorded_result
from beltline.runners.tracking.tell import tell

NODE = "Track"
_KILLED = "its task was killed"
# Somebody may have marked a task as failed: Airflow's worker sees that at its next heartbeat, and
# then stops the node, which says why by itself.
_STOPPING_SECONDS = 20.0
_NO_RESULT = "no result was recorded; see the log of its task"

log = logging.getLogger("beltline.tracking")


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run's id.")
def main(folder: Path, run: str) -> None:
    """Write the report of a run that has ended, and tell other tools of it."""
    set_up_logging()
    check_run(run)
    try:
        manifest, paths = open_bundle(folder).manifest, Paths.from_environment()
        lineage = wait_for_metadata(paths, manifest.name, PATIENCE_SECONDS)
        wait_for_nodes(lineage, run, _STOPPING_SECONDS)
        reconcile(paths, manifest.name, run, _KILLED)
        latest = {each.node: each for each in lineage.nodes(run)}
        result = recorded_result(manifest, latest, run, paths, _NO_RESULT)
        file = None
        # Where the monitoring found nothing, no node was run.
        if latest:
            served = paths.served(manifest.push, manifest.name)
            file = report_at_end(paths, manifest.name, run, served, log.warning)
        problems = tell(paths, manifest, result)
    except BeltlineError as error:
        click.echo(f"beltline: {error}", err=True)
        sys.exit(NodeFailed.exit_code)
    if file:
        log.info("report: %s", file)
    for problem in problems:
        log.warning("%s", problem)
    told = {**asdict(result), "node": NODE, "state": "done", "outputs": {}}
    click.echo(json.dumps(told, sort_keys=True))
