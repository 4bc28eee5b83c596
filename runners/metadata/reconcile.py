"""Reconciles ML Metadata after a kill: marks the executions that a run left running as failed.

What they have written is removed.

`python -m beltline.runners.metadata.reconcile --bundle DIR --run ID [--node ID]… --reason TEXT`.
The caller knows that the processes are gone: Airflow's failure callback, the client of the warm
worker, the local runner. Needs no TFX.
"""

import sys
from collections.abc import Collection
from pathlib import Path

import click

from beltline.base.errors import BeltlineError
from beltline.bundle.folder import open_bundle
from beltline.runners.metadata.leftovers import fail_killed
from beltline.runners.metadata.store import Lineage
from beltline.runners.metadata.waiting import wait_for_metadata
from beltline.runners.paths import Paths

# Airflow gives it two minutes.
_PATIENCE_SECONDS = 60.0


def reconcile(
    paths: Paths, pipeline: str, run: str, reason: str, nodes: Collection[str] = ()
) -> list[str]:
    """Marks the running executions of a run, or of some nodes of it, as failed.

    Returns the ids of their nodes.

    Args:
      paths: where ML Metadata and the root are.
      pipeline: the pipeline's name.
      run: the run's id.
      reason: why the executions ended.
      nodes: the only nodes to reconcile; without any, all are.
    """
    lineage = Lineage(paths.metadata, pipeline)
    left = [
        each for each in lineage.nodes(run) if each.unfinished and (not nodes or each.node in nodes)
    ]
    for each in left:
        fail_killed(lineage, paths, each, reason)
    return [each.node for each in left]


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--node", "nodes", multiple=True, help="Only this node; repeatable.")
@click.option("--reason", required=True, help="Why they ended.")
def main(folder: Path, run: str, nodes: tuple[str, ...], reason: str) -> None:
    """Mark the executions that a run left running in ML Metadata as failed."""
    try:
        name = open_bundle(folder).manifest.name
        paths = Paths.from_environment()
        wait_for_metadata(paths, name, _PATIENCE_SECONDS)
        marked = reconcile(paths, name, run, reason, nodes)
    except BeltlineError as error:
        click.echo(f"beltline: {error}", err=True)
        sys.exit(error.exit_code)
    for each in marked:
        click.echo(f"{each}: marked failed in ML Metadata: {reason}", err=True)


if __name__ == "__main__":
    main()
