"""Runs a node with TFX's portable Launcher; importing this takes seconds.

TFX's Launcher reuses any execution that the run has of a node, also a failed one. Here each attempt
is an execution of its own, and the previous one keeps its state, reason and times. This overrides a
private method of TFX's Launcher; `tests/runners/node/test_launch.py` fails if TFX changes it.
"""

import copy
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tfx.dsl.io import filesystem, filesystem_registry
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import execution_publish_utils, launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from beltline.base import together
from beltline.bundle.folder import Bundle
from beltline.runners.beam.arguments import arguments, know_options
from beltline.runners.metadata.connection import connection_config
from beltline.runners.metadata.store import BUNDLE
from beltline.runners.node.model_card import leave_card
from beltline.runners.node.outcome import PUSHER
from beltline.runners.node.staging import Staging
from beltline.runners.paths import Paths
from beltline.runners.training.place import starter
from beltline.storage import folders
from beltline.storage.url import SCHEMES


def launch(
    bundle: Bundle,
    node: str,
    run: str,
    paths: Paths,
    parameters: Mapping[str, str | int],
    force: bool,
    staging: Staging | None = None,
) -> None:
    """Runs one node. A failed node need not raise: its state is in ML Metadata.

    With `staging`, its artifacts are in an object store.
    """
    # Lower is preferred; TensorFlow's has 0 and refuses these URLs.
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(_ObjectStores, priority=-1)
    # Beam creates thousands of argument parsers, each of which would look up the terminal's width.
    os.environ.setdefault("COLUMNS", "80")
    pipeline = pipeline_pb2.Pipeline.FromString(bundle.pipeline())
    values = {"pipeline-root": str(paths.artifacts), "pipeline-run-id": run}
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {**bundle.manifest.defaults(), **values, **parameters}
    )
    spec = next(n.pipeline_node for n in pipeline.nodes if n.pipeline_node.node_info.id == node)
    if force:
        spec.execution_options.caching_options.enable_cache = False
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    executor = runner_utils.extract_executor_spec(deployment, node)
    # Where Beam runs is a place: in the bundle it would change the digest.
    compiled = copy.deepcopy(executor)
    beam = arguments(paths.beam, node, bundle.code, str(paths.artifacts))
    together.start_with(starter(paths.beam, bundle.code, str(paths.root)))
    if beam and isinstance(executor, executable_spec_pb2.BeamExecutableSpec):
        know_options(paths.beam, node)
        _replace_arguments(executor, beam)
    _Launcher(
        bundle.manifest.digest,
        compiled,
        staging,
        partial(leave_card, bundle.manifest, paths.metadata) if node == PUSHER else None,
        pipeline_node=spec,
        mlmd_connection=metadata.Metadata(connection_config(paths.metadata)),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=executor,
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node),
    ).launch()


def _replace_arguments(executor: Any, beam: list[str]) -> None:
    """Replaces the bundle's Beam arguments where the Launcher reads them: among placeholders."""
    del executor.beam_pipeline_args_placeholders[:]
    for argument in beam:
        executor.beam_pipeline_args_placeholders.add().value.string_value = argument


class _ObjectStores(filesystem.Filesystem):
    """What TFX asks of a URL: whether the artifacts of a cached result are still there."""

    SUPPORTED_SCHEMES = tuple(f"{scheme}://" for scheme in SCHEMES)

    @staticmethod
    def exists(path: Any) -> bool:
        return folders.exists(str(path))


class _Launcher(launcher.Launcher):
    def __init__(
        self,
        bundle: str,
        compiled: Any,
        staging: Staging | None,
        prepare: Callable[[Any], None] | None,
        **arguments: Any,
    ):
        super().__init__(**arguments)
        self._bundle = bundle
        self._staging = staging
        self._prepare = prepare
        # What a result is cached by; how it is executed was handed on above.
        self._executor_spec = compiled

    def _register_or_reuse_execution(
        self,
        metadata_handle: metadata.Metadata,
        contexts: list[Any],
        input_artifacts: Any = None,
        exec_properties: Any = None,
    ) -> Any:
        found = execution_lib.get_executions_associated_with_all_contexts(metadata_handle, contexts)
        for execution in found:
            if execution_lib.is_execution_successful(execution):
                return execution
        execution = execution_publish_utils.register_execution(
            metadata_handle=metadata_handle,
            execution_type=self._pipeline_node.node_info.type,
            contexts=contexts,
            input_artifacts=input_artifacts,
            exec_properties=exec_properties,
        )
        # Now and not at the end: another node may start from another bundle in the meantime.
        execution.custom_properties[BUNDLE].string_value = self._bundle
        metadata_handle.store.put_executions([execution])
        return execution

    def _run_executor(self, execution_info: Any) -> Any:
        run = super()._run_executor
        if self._prepare:
            self._prepare(execution_info)
        return self._staging.run(run, execution_info) if self._staging else run(execution_info)
