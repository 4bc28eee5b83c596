"""A cluster of Dask on this machine, for as long as the command that starts it runs."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from dask.utils import parse_bytes
from distributed import LocalCluster

from beltline.base.errors import WrongInput

PRELOAD = "beltline.runners.beam.worker"
# The scheduler unpickles what is submitted; nothing would begin until it has imported this.
_SUBMITTED = "beltline.beam_on_dask.graph"
_HOST = "127.0.0.1"
# Dask gives up a worker that was killed and isn't back within 15 s; its imports may take longer.
_PATIENCE = {"distributed.deploy.lost-worker-timeout": "10 minutes"}


@contextmanager
def local_cluster(workers: int, port: int, memory: str | None = None) -> Iterator[LocalCluster]:
    """Yields a cluster of workers with a thread each, all on 127.0.0.1.

    Args:
      workers: how many.
      port: the scheduler's port; 0 for any.
      memory: what each may use before it is started anew, as `4GiB`; by default its part of the
        machine.

    Raises:
      WrongInput: the port is taken, or the memory is no size.
    """
    try:
        limit = parse_bytes(memory) if memory else "auto"
    except ValueError:
        raise WrongInput(f"--memory: invalid value '{memory}': must be a size, as 4GiB") from None
    importlib.import_module(_SUBMITTED)
    try:
        cluster = LocalCluster(
            n_workers=workers,
            # A process runs a bundle at a time.
            threads_per_worker=1,
            host=_HOST,
            scheduler_port=port,
            memory_limit=limit,
            dashboard_address=None,
            preload=[PRELOAD],
        )
    except RuntimeError as error:
        raise WrongInput(f"--port: {port} can't be listened on ({error}): choose another") from None
    with dask.config.set(_PATIENCE), cluster:
        yield cluster
