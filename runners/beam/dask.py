"""The Dask runner of a node: the workers have our environment, and run the bundle's code."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from distributed import Client

from beltline.base import digest
from beltline.base.errors import WrongInput
from beltline.beam_on_dask.runner import DaskRunner, workers_of
from beltline.runners.beam import environment, worker
from beltline.runners.beam.options import NodeOptions
from beltline.runners.paths import DATA, ROOT


class NodeRunner(DaskRunner):
    """Compares the workers' environments with this one, and sends them the model code."""

    def check(self, client: Client, options: PipelineOptions) -> None:
        """Checks every worker's environment.

        Raises:
          WrongInput: a worker has another one.
        """
        compare(on_workers(client))

    def preparation(self, options: PipelineOptions) -> Callable[[], None]:
        """Returns the call that makes a worker use the bundle's model code."""
        archive = Path(options.view_as(NodeOptions).beltline_code).read_bytes()
        # Not the databases: a scheduler would hold their passwords.
        places = {name: os.environ[name] for name in (ROOT, DATA) if name in os.environ}
        return partial(worker.prepare, archive, digest.of_parts({"code": archive}), places)


def on_workers(client: Client, folder: str = "") -> dict[str, dict[str, str]]:
    """Returns what each worker has, by its address.

    Raises:
      ClusterLost: there is no worker.
      WrongInput: a worker can't say.
    """
    workers_of(client)
    answers: dict[str, Any] = client.run(worker.found, folder, on_error="return")
    for address, answer in answers.items():
        if isinstance(answer, BaseException) and not isinstance(answer, OSError):
            raise WrongInput(
                f"the Dask worker {address} can't import Beltline ({answer}): start it in an "
                "environment made from the same lock"
            )
    # One that has gone since has left its work to the others.
    return {
        address: answer for address, answer in answers.items() if not isinstance(answer, OSError)
    }


def compare(answers: dict[str, dict[str, str]]) -> None:
    """Compares the workers' environments with this one.

    Raises:
      WrongInput: they differ; the message says in what.
    """
    here = worker.found()
    for address, answer in answers.items():
        environment.compare(f"the Dask worker {address}", answer, here)
