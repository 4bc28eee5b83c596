"""The runner of a node on an engine behind a job service: Flink, Spark, Prism.

Beam's own PortableRunner submits the pipeline. Here is what is ours: the model code and the node's
environment go along to the workers, and the workers' errors come back as the exceptions they were.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.runners.runner import PipelineState

from beltline.base import digest
from beltline.beam_on_dask.internals import PortableRunner
from beltline.runners.beam import worker
from beltline.runners.beam.options import NodeOptions
from beltline.runners.beam.raised import as_raised
from beltline.runners.paths import DATA, ROOT

_CONNECT_SECONDS = 10


class EngineLost(RuntimeError):
    """The job service is not there, is not there any more, or takes too long."""


class NodeRunner(PortableRunner):
    """Runs a pipeline on the engine that `--job_endpoint` names, and waits for its end."""

    def run_pipeline(self, pipeline: Any, options: PipelineOptions) -> Any:
        """Runs the pipeline.

        Raises:
          EngineLost: the job service can't be reached, or was lost.
          BeltlineError: what our code has raised on a worker.
          RuntimeError: what other code has raised there, with its traceback.
        """
        portable = options.view_as(PortableOptions)
        endpoint = portable.job_endpoint
        _reach(endpoint)
        # As the workers are told: with the code, which need not be on a disk of theirs.
        portable.environment_config = json.dumps(
            {"url": portable.environment_config, "params": _parameters(options)}
        )
        try:
            result = super().run_pipeline(pipeline, options)
            try:
                _wait(result, options.view_as(NodeOptions).beltline_seconds)
            except BaseException:
                _cancel(result)
                raise
        except grpc.RpcError as error:
            raise EngineLost(
                f"the connection to the Beam job service at {endpoint} was lost: see whether it "
                "and the worker pool run, then run again"
            ) from error
        except RuntimeError as error:
            raise as_raised(str(error)) or error from None
        return result


def _reach(endpoint: str) -> None:
    try:
        with grpc.insecure_channel(endpoint) as channel:
            grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
    except grpc.FutureTimeoutError:
        raise EngineLost(
            f"no Beam job service answers at {endpoint}: start the engine, or correct the address"
        ) from None


def _parameters(options: PipelineOptions) -> dict[str, str]:
    """Returns what the workers are told: the code, the environment to have, and its variables."""
    code = options.view_as(NodeOptions).beltline_code
    archive = Path(code).read_bytes() if code else b""
    # Not the databases: an engine would hold their passwords.
    places = {name: os.environ[name] for name in (ROOT, DATA) if name in os.environ}
    return {
        "archive": base64.b64encode(archive).decode(),
        "digest": digest.of_parts({"code": archive}),
        "environment": json.dumps(worker.found()),
        "variables": json.dumps(places),
    }


def _wait(result: Any, seconds: int | None) -> None:
    result.wait_until_finish(duration=seconds * 1000 if seconds else None)
    if seconds and not PipelineState.is_terminal(result.state):
        raise EngineLost(f"the job did not end within {seconds} s: see the engine and the pool")


def _cancel(result: Any) -> None:
    try:
        result.cancel()
    except grpc.RpcError:
        # It is gone, or has ended.
        return
