"""A Beam worker of a pool or container: TFX in its order, the bundle's code, Beam's SDK harness.

Importing this imports TFX: it is what the workers are forked from.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beltline.base import digest
from beltline.beam_on_dask.internals import (
    WorkerIdInterceptor,
    beam_fn_api_pb2,
    sdk_worker,
    sdk_worker_main,
)
from beltline.runners.beam import environment, worker
from beltline.runners.beam.options import NodeOptions
from beltline.runners.node.parent import end_with_parent

STAGED = "staged"
"""The folder of a job's files, where Beam's harness looks for them."""

_CACHE_BYTES = 64 << 20

worker.import_libraries()


def run(request: bytes) -> None:
    """Runs bundles until the engine has no more, as a worker of the pool.

    Args:
      request: Beam's StartWorkerRequest, whose parameters are `portable.py`'s.
    """
    end_with_parent()
    asked = beam_fn_api_pb2.StartWorkerRequest.FromString(request)
    harness = sdk_worker.SdkHarness(
        asked.control_endpoint.url, worker_id=asked.worker_id, state_cache_size=_CACHE_BYTES
    )
    if problem := problem_of(asked.params):
        _answer(harness, problem)
    harness.run()


def serve(variables: Mapping[str, str]) -> None:
    """Runs bundles until the engine has no more, as a worker of a container.

    Args:
      variables: what Beam's harness reads from its environment.
    """
    end_with_parent()
    os.environ.update(variables)
    # Beam reads the variable when it is imported, which was before the fork.
    WorkerIdInterceptor._worker_id = variables["WORKER_ID"]
    log, harness, options = sdk_worker_main.create_harness(os.environ)
    folder = Path(variables["SEMI_PERSISTENT_DIRECTORY"], STAGED)
    if problem := problem_of(_parameters(options.view_as(NodeOptions), folder)):
        _answer(harness, problem)
    try:
        harness.run()
    finally:
        if log:
            log.close()


def problem_of(parameters: Mapping[str, str]) -> Exception | None:
    """Makes this process run a node's code; returns why it can't, for the first bundle to say."""
    try:
        environment.compare(
            "the Beam worker", worker.found(), json.loads(parameters["environment"])
        )
        archive = base64.b64decode(parameters["archive"])
        if archive:
            worker.prepare(archive, parameters["digest"], json.loads(parameters["variables"]))
    except Exception as error:
        return error
    return None


def _parameters(options: Any, folder: Path) -> dict[str, str]:
    """Returns what `portable.py` tells the workers of a pool, from a job's options and files."""
    code = options.beltline_code
    staged = folder / Path(code).name if code else None
    archive = staged.read_bytes() if staged and staged.exists() else b""
    return {
        "archive": base64.b64encode(archive).decode(),
        "digest": digest.of_parts({"code": archive}),
        # A job that is no node's may have any.
        "environment": options.beltline_environment or json.dumps(worker.found()),
        # The root is the same everywhere: the node's URL.
        "variables": "{}",
    }


def _answer(harness: Any, problem: Exception) -> None:
    """Makes bundles fail by what is wrong; Beam's own harness would end without a word."""

    def create_worker() -> Any:
        raise problem

    harness.create_worker = create_worker
