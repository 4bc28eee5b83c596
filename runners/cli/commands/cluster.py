"""`beltline cluster`: a cluster of Dask on this machine, to run the nodes' Beam pipelines on."""

import os

import click

from beltline.base.errors import WrongInput


@click.group("cluster")
def cluster() -> None:
    """Start a cluster of Dask on this machine."""


@cluster.command("up")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="How many workers, by default one per core.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8786, help="The scheduler's port.")
@click.option("--memory", help="Memory of a worker, as 4GiB; by default its part of the machine.")
def up(workers: int, port: int, memory: str | None) -> None:
    """Start one on 127.0.0.1; Ctrl-C ends it."""
    try:
        from beltline.runners.beam.cluster import local_cluster
        from beltline.runners.beam.waiting import wait_for_signal
    except ImportError as error:
        raise WrongInput(
            f"a cluster requires Dask ({error}): install the locked requirements, or beltline[dask]"
        ) from None
    named = f"{workers} worker{'s' if workers > 1 else ''}"
    click.echo(f"starting {named} (importing TensorFlow and TFX takes a while)")
    with local_cluster(workers, port, memory) as started:
        address = started.scheduler_address
        click.echo(f"{named} at {address}; Ctrl-C ends the cluster")
        click.echo(f"beltline run --set beam.runner=dask --set beam.dask.scheduler={address}")
        wait_for_signal()
