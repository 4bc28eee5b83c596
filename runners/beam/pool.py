"""Beam workers for an engine behind a job service: `python -m beltline.runners.beam.pool`.

Beam's own pool starts whatever `python` is in PATH, which has neither TFX in the order in which its
pickles load nor the bundle's code. This one forks workers from a process that has imported TFX, so
that a job need not wait for that.
"""

import logging
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from typing import Any

import click
import grpc

from beltline.beam_on_dask.internals import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from beltline.runners.beam.waiting import wait_for_signal

_HARNESS = "beltline.runners.beam.harness"
_THREADS = 8
_END_SECONDS = 10

log = logging.getLogger("beltline.pool")


class Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts and ends workers as an engine asks."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_HARNESS])
        self._workers: dict[str, BaseProcess] = {}

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - Beam's name
        """Starts a worker; what it finds wrong, it answers to its first bundle."""
        # Not here: an engine may end with a pool that answers with an error, as Prism does.
        worker = self._context.Process(
            target=_run, args=(request.SerializeToString(),), daemon=True
        )
        worker.start()
        self._workers[request.worker_id] = worker
        log.info("worker %s started as process %s", request.worker_id, worker.pid)
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - Beam's name
        """Ends a worker."""
        if worker := self._workers.pop(request.worker_id, None):
            _end(worker)
            log.info("worker %s ended", request.worker_id)
        return beam_fn_api_pb2.StopWorkerResponse()


def _run(request: bytes) -> None:
    # Only there: this process needs no TFX.
    from beltline.runners.beam import harness

    harness.run(request)


def _end(worker: BaseProcess) -> None:
    worker.terminate()
    worker.join(_END_SECONDS)
    if worker.is_alive():
        worker.kill()


@click.command()
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=50000, help="The port; 0 for any.")
def main(host: str, port: int) -> None:
    """Start workers for an engine that asks; Ctrl-C ends them and the pool."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(Pool(), server)
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise click.ClickException(f"{host}:{port} can't be listened on ({error})") from None
    server.start()
    click.echo(f"worker pool at {host}:{bound}; Ctrl-C ends it")
    wait_for_signal()
    server.stop(0)


if __name__ == "__main__":
    main()
