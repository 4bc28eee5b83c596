"""What is used of Beam beyond its public API; nowhere else is a private name imported.

Beam's translation to fused stages is that of its own runner for one process, and a bundle is run by
the SDK harness' own processor. Both move between releases: so the release is checked, and
`tests/beam_on_dask/test_internals.py` says what an upgrade has moved.
"""

import apache_beam
from apache_beam.coders.coder_impl import create_InputStream, create_OutputStream
from apache_beam.metrics.monitoring_infos import consolidate
from apache_beam.options.value_provider import RuntimeValueProvider
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    metrics_pb2,
)
from apache_beam.runners import pipeline_context
from apache_beam.runners.common import ENCODED_IMPULSE_VALUE, DoFnSignature
from apache_beam.runners.pipeline_utils import (
    group_by_key_input_visitor,
    merge_common_environments,
    merge_superset_dep_environments,
    validate_pipeline_graph,
)
from apache_beam.runners.portability.fn_api_runner import translations
from apache_beam.runners.portability.fn_api_runner.execution import (
    SAFE_WINDOW_FNS,
    GroupingBuffer,
    WindowGroupingBuffer,
)
from apache_beam.runners.portability.fn_api_runner.fn_runner import RunnerResult
from apache_beam.runners.portability.fn_api_runner.worker_handlers import FNAPI_RUNNER_CAPABILITIES
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.worker import bundle_processor, data_plane, sdk_worker, sdk_worker_main
from apache_beam.runners.worker.statecache import StateCache
from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
from apache_beam.transforms import environments
from apache_beam.utils import proto_utils

BEAM = "2.77.0"

__all__ = [
    "BEAM",
    "ENCODED_IMPULSE_VALUE",
    "FNAPI_RUNNER_CAPABILITIES",
    "SAFE_WINDOW_FNS",
    "DoFnSignature",
    "GroupingBuffer",
    "PortableRunner",
    "RunnerResult",
    "RuntimeValueProvider",
    "StateCache",
    "WindowGroupingBuffer",
    "WorkerIdInterceptor",
    "beam_artifact_api_pb2",
    "beam_artifact_api_pb2_grpc",
    "beam_fn_api_pb2",
    "beam_fn_api_pb2_grpc",
    "beam_provision_api_pb2",
    "beam_provision_api_pb2_grpc",
    "beam_runner_api_pb2",
    "bundle_processor",
    "check_version",
    "common_urns",
    "consolidate",
    "create_InputStream",
    "create_OutputStream",
    "data_plane",
    "environments",
    "group_by_key_input_visitor",
    "merge_common_environments",
    "merge_superset_dep_environments",
    "metrics_pb2",
    "pipeline_context",
    "proto_utils",
    "sdk_worker",
    "sdk_worker_main",
    "translations",
    "validate_pipeline_graph",
]


def check_version() -> None:
    """Checks that Beam is the release whose internals this runner was written for.

    Raises:
      RuntimeError: it is another one.
    """
    if apache_beam.__version__ != BEAM:
        raise RuntimeError(
            f"the Dask runner needs apache-beam {BEAM}, this environment has "
            f"{apache_beam.__version__}: install the locked requirements"
        )
