"""A Beam worker of the pool: TFX in its order, the bundle's code, then Beam's own SDK harness.

Importing this imports TFX: it is what the pool's workers are forked from.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from beltline.beam_on_dask.internals import beam_fn_api_pb2, sdk_worker
from beltline.runners.beam import environment, worker
from beltline.runners.node.parent import end_with_parent

_CACHE_BYTES = 64 << 20

worker.import_libraries()


def run(request: bytes) -> None:
    """Runs bundles until the engine has no more.

    Args:
      request: Beam's StartWorkerRequest, whose parameters are `portable.py`'s.
    """
    end_with_parent()
    asked = beam_fn_api_pb2.StartWorkerRequest.FromString(request)
    _Harness(
        asked.control_endpoint.url,
        worker_id=asked.worker_id,
        state_cache_size=_CACHE_BYTES,
        problem=problem_of(asked.params),
    ).run()


class _Harness(sdk_worker.SdkHarness):
    """Answers bundles with what is wrong; Beam's own would end without a word."""

    def __init__(self, *arguments: Any, problem: Exception | None, **named: Any):
        super().__init__(*arguments, **named)
        self._problem = problem

    def create_worker(self) -> Any:
        """Returns what runs the next instruction.

        Raises:
          Exception: what is wrong; the answer has its traceback.
        """
        if self._problem:
            raise self._problem
        return super().create_worker()


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
