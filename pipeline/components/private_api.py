"""What the components use of TFX and TF Transform beyond their public API.

Private names are used here and nowhere else, but for the `_GetFnArgs` that `trainer.py` overrides;
tests/pipeline/components/test_private_api.py says which one an upgrade has moved.
"""

from collections.abc import Callable
from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base import base_driver
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.orchestration.portable import base_driver as launcher_driver


class NodeDriver(base_driver.BaseDriver, launcher_driver.BaseDriver):
    """The base of a node's driver: a component requires the older kind, the Launcher the newer."""

    def __init__(self, metadata_handle: Any):
        base_driver.BaseDriver.__init__(self, metadata_handle)
        launcher_driver.BaseDriver.__init__(self, metadata_handle)


def beam_pipeline(executor: BaseBeamExecutor) -> beam.Pipeline:
    """Returns a Beam pipeline with the runner and the options of an executor's node."""
    return executor._make_beam_pipeline()


def preprocessing_fn(executor: Any, function: str, custom_config: str) -> Callable[..., Any]:
    """Returns the `preprocessing_fn`, with its `custom_config` bound.

    Args:
      executor: a `tfx.components.transform.executor.Executor`.
      function: its dotted name.
      custom_config: JSON.
    """
    from tfx.components.transform import labels

    properties = {labels.PREPROCESSING_FN: function, labels.CUSTOM_CONFIG: custom_config}
    found: Callable[..., Any] = executor._GetPreprocessingFn(properties, {})
    return found


def tensors_to_arrow(schema: schema_pb2.Schema) -> Any:
    """Returns a converter whose `convert` turns tensors by name into Arrow record batches."""
    # Only Transform needs it, and it takes seconds to import.
    from tensorflow_transform import impl_helper

    return impl_helper.make_tensor_to_arrow_converter(schema)
