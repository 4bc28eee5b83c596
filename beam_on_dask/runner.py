"""The runner: plans a pipeline, submits it, and waits for its result or its error."""

import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.runners.runner import PipelineRunner, PipelineState
from distributed import Client, KilledWorker, as_completed, fire_and_forget, wait
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.security import Security

from beltline.beam_on_dask import refusals
from beltline.beam_on_dask.attempts import DifferentAttempts, Receipt, verify
from beltline.beam_on_dask.bundle import Job, forget
from beltline.beam_on_dask.graph import Graph
from beltline.beam_on_dask.internals import (
    RunnerResult,
    RuntimeValueProvider,
    check_version,
    consolidate,
    environments,
    group_by_key_input_visitor,
    merge_common_environments,
    merge_superset_dep_environments,
    metrics_pb2,
    validate_pipeline_graph,
)
from beltline.beam_on_dask.options import Scheduler, scheduler_of
from beltline.beam_on_dask.plan import PlannedStage, plan

# Of the whole pipeline: a lost worker alone costs only what was lost with it.
_ATTEMPTS = 3
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 10
_TEAR_DOWN_SECONDS = 10

log = logging.getLogger("beltline.dask")


class ClusterLost(RuntimeError):
    """The cluster is not there, or is not there any more."""


class DaskRunner(PipelineRunner):
    """Runs a batch pipeline on the cluster that `--dask_scheduler` names, and waits for its end."""

    def check(self, client: Client, options: pipeline_options.PipelineOptions) -> None:
        """Checks the cluster before anything is submitted; a subclass may look at its workers."""

    def preparation(self, options: pipeline_options.PipelineOptions) -> Callable[[], None] | None:
        """Returns what a worker calls before each bundle, picklable; None for nothing."""
        return None

    def run_pipeline(
        self, pipeline: beam.Pipeline, options: pipeline_options.PipelineOptions
    ) -> RunnerResult:
        """Runs the pipeline.

        Raises:
          ClusterLost: the scheduler can't be reached, was lost, or workers died again and again.
          Refused: the pipeline has something that can't run here.
          Exception: what user code has raised on a worker.
        """
        check_version()
        refusals.check(pipeline)
        stages = _stages(pipeline, options)
        prepare = self.preparation(options)
        with connected(scheduler_of(options)) as client:
            self.check(client, options)
            for _ in range(_ATTEMPTS):
                try:
                    return _run(
                        client, Job(secrets.token_hex(4), secrets.randbits(32), prepare), stages
                    )
                except DifferentAttempts as error:
                    log.warning("%s: starting anew", error)
        raise ClusterLost(
            f"workers were lost in each of {_ATTEMPTS} attempts, and the pipeline does not make "
            "the same elements again: see why the workers end, then run again"
        )


def _stages(
    pipeline: beam.Pipeline, options: pipeline_options.PipelineOptions
) -> list[PlannedStage]:
    RuntimeValueProvider.set_runtime_options({})
    deterministic = not options.view_as(
        pipeline_options.TypeOptions
    ).allow_non_deterministic_key_coders
    pipeline.visit(group_by_key_input_visitor(deterministic))
    default = environments.EmbeddedPythonEnvironment.default()
    proto = pipeline.to_runner_api(default_environment=default)
    validate_pipeline_graph(proto)
    return plan(merge_common_environments(merge_superset_dep_environments(proto)))


@contextmanager
def connected(scheduler: Scheduler) -> Iterator[Client]:
    """Yields a client of a cluster.

    Raises:
      ClusterLost: it can't be reached, or is lost in the block.
    """
    address = scheduler.address
    if not address:
        raise ClusterLost("--dask_scheduler: names no scheduler, such as tcp://127.0.0.1:8786")
    try:
        client = Client(
            address, timeout=_CONNECT_SECONDS, security=_security(scheduler), set_as_default=False
        )
    except (OSError, CommClosedError) as error:
        raise ClusterLost(
            f"no Dask scheduler answers at {address}: start the cluster, or correct the address"
        ) from error
    try:
        yield client
    except KilledWorker as error:
        raise ClusterLost(
            f"{error.allowed_failures + 1} workers were killed while they ran "
            f"'{error.task}': out of memory? Give the workers more, then run again"
        ) from error
    except (FutureCancelledError, CommClosedError) as error:
        raise ClusterLost(
            f"the connection to the Dask scheduler at {address} was lost: see whether it runs, "
            "start the cluster again if not, then run again"
        ) from error
    finally:
        client.close(timeout=_TEAR_DOWN_SECONDS)


def _security(scheduler: Scheduler) -> Security | None:
    if not scheduler.ca:
        return None
    return Security(
        require_encryption=True,
        tls_ca_file=scheduler.ca,
        tls_client_cert=scheduler.certificate,
        tls_client_key=scheduler.key,
    )


def _run(client: Client, job: Job, stages: list[PlannedStage]) -> RunnerResult:
    workers = workers_of(client)
    graph = Graph(client, job, len(workers))
    try:
        for stage in stages:
            graph.add(stage)
        found = _consistent(client, graph, _receipts(client, graph))
    finally:
        _tear_down(client, job, workers)
    merged = {name: _merged(receipts) for name, receipts in found.items()}
    return RunnerResult(PipelineState.DONE, merged)


def _receipts(client: Client, graph: Graph) -> dict[str, list[Receipt]]:
    """Returns the receipts of all stages, each taken when its stage has ended.

    At the end, what a worker had that was lost in the meantime would have to run again for them.
    """
    names = {future.key: name for name, future in graph.verified.items()}
    found: dict[str, list[Receipt]] = {}
    for batch in as_completed(graph.verified.values(), loop=client.loop).batches():
        # Of a stage that has failed, this raises the error.
        client.gather(list(batch))
        ended = [names[future.key] for future in batch]
        found |= client.gather({name: graph.receipts[name] for name in ended})
    return found


def _consistent(
    client: Client, graph: Graph, found: dict[str, list[Receipt]]
) -> dict[str, list[Receipt]]:
    """Returns receipts that fit together: those that were found, or those of now.

    Raises:
      ClusterLost: neither do.
    """
    try:
        return _verified(found)
    except DifferentAttempts:
        # One that was taken early may be of an attempt that was lost before it was read.
        found = client.gather(graph.receipts)
    try:
        return _verified(found)
    except DifferentAttempts as error:
        # Too late to start anew: sinks have published.
        raise ClusterLost(f"a worker was lost at the end, and {error}: run again") from None


def _verified(found: dict[str, list[Receipt]]) -> dict[str, list[Receipt]]:
    everything = [receipt for receipts in found.values() for receipt in receipts]
    verify(everything, everything)
    return found


def workers_of(client: Client) -> list[str]:
    """Returns the addresses of the workers; waits a while for the first one.

    Raises:
      ClusterLost: there is none.
    """
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError:
        raise ClusterLost(
            f"the Dask scheduler at {client.scheduler.address} has no workers: start some"
        ) from None
    return list(client.scheduler_info(n_workers=-1)["workers"])


def _merged(receipts: list[Receipt]) -> list[Any]:
    parsed = [
        metrics_pb2.MonitoringInfo.FromString(each)
        for receipt in receipts
        for each in receipt.metrics
    ]
    return list(consolidate(parsed))


def _tear_down(client: Client, job: Job, workers: list[str]) -> None:
    """Has each worker tear down its DoFns, another one in place of one that has died.

    After an error or a signal nobody waits: the workers do it when their last bundle has ended.
    """
    failed = sys.exc_info()[0] is not None
    with suppress(Exception):
        asked = [
            client.submit(forget, job.name, workers=[worker], allow_other_workers=True, pure=False)
            for worker in workers
        ]
        if failed:
            fire_and_forget(asked)
        else:
            with client.as_current():
                wait(asked, timeout=_TEAR_DOWN_SECONDS)
