"""Schema: the curated schema as an artifact.

Its text is an execution property, so the cache sees its content; TFX's ImportSchemaGen keys on the
path alone.
"""

from pathlib import Path
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts

from beltline.pipeline.components import digest_of_sources


class CuratedSchemaSpec(component_spec.ComponentSpec):
    """The component's inputs, outputs and parameters."""

    PARAMETERS = {
        "text": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class Executor(base_executor.BaseExecutor):
    """Writes the text where TFX's components look for it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `schema.pbtxt`."""
        folder = Path(artifact_utils.get_single_uri(output_dict["schema"]))
        (folder / "schema.pbtxt").write_text(exec_properties["text"], encoding="utf-8")


class CuratedSchema(base_component.BaseComponent):
    """A schema that somebody wrote; `text` is its text proto."""

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, text: str):
        schema = types.Channel(type=standard_artifacts.Schema)
        super().__init__(
            CuratedSchemaSpec(text=text, code_digest=digest_of_sources(), schema=schema)
        )
