"""Marks failed in ML Metadata what a run has left running, once its processes are gone.

`python -m beltline.runners.metadata.reconcile --bundle DIR --run ID [--node ID] --reason TEXT`; for
whoever sees that a node was killed and could not say so itself: Airflow's failure callback, the
client of the warm worker, the local runner. Needs no TFX.
"""

import sys
from pathlib import Path

import click

from beltline.base.errors import BeltlineError
from beltline.bundle.folder import open_bundle
from beltline.runners.metadata.store import Lineage
from beltline.runners.paths import Paths


def reconcile(
    paths: Paths, pipeline: str, run: str, reason: str, node: str | None = None
) -> list[str]:
    """Marks the running executions of a run failed, or those of one node; returns their nodes.

    Raises:
      WrongInput: ML Metadata can't be opened.
    """
    lineage = Lineage(paths.metadata, pipeline)
    left = [
        each
        for each in lineage.nodes(run)
        if each.state in ("running", "new") and node in (None, each.node)
    ]
    for each in left:
        lineage.fail(each.execution_id, reason)
    return [each.node for each in left]


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--node", help="Only this node's executions.")
@click.option("--reason", required=True, help="Why they ended.")
def main(folder: Path, run: str, node: str | None, reason: str) -> None:
    """Mark failed what a run has left running in ML Metadata."""
    try:
        name = open_bundle(folder).manifest.name
        marked = reconcile(Paths.from_environment(), name, run, reason, node)
    except BeltlineError as error:
        click.echo(f"beltline: {error}", err=True)
        sys.exit(error.exit_code)
    for each in marked:
        click.echo(f"{each}: marked failed in ML Metadata: {reason}", err=True)


if __name__ == "__main__":
    main()
