"""A project without data, and a real ML Metadata that holds what a launcher would write."""

from pathlib import Path
from typing import Any

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.connection import connection_config
from beltline.runners.paths import Paths

SETTINGS = """\
name: line
data: {path: line.csv}
schema: line.pbtxt
label: {column: bad, task: binary, positive: 'yes'}
"""
SCHEMA = """\
feature {{ name: "{}" type: BYTES }}
feature {{ name: "temp" type: FLOAT }}
"""


def project(folder: Path) -> Path:
    """Writes settings and returns their file; the root is `.beltline` beside it."""
    (folder / "pipeline.yaml").write_text(SETTINGS)
    return folder / "pipeline.yaml"


def paths(folder: Path) -> Paths:
    """The paths of that project."""
    return Paths.from_environment(folder / ".beltline")


class Ledger:
    """Writes to an ML Metadata store as TFX's launcher does."""

    def __init__(self, url: str, pipeline: str = "line"):
        self.store = MetadataStore(connection_config(url))
        self._name = pipeline
        self._pipeline = self._context("pipeline", pipeline)

    def run(self, run: str, kind: str = "pipeline_run") -> int:
        """Begins a run."""
        context = self._context(kind, run)
        parent = pb.ParentContext(parent_id=self._pipeline, child_id=context)
        self.store.put_parent_contexts([parent])
        return context

    def node(
        self,
        run: str,
        node: str,
        state: str = "COMPLETE",
        outputs: dict[str, tuple[str, dict[str, Any]]] | None = None,
        **properties: str,
    ) -> int:
        """Writes an execution; `outputs` are an artifact's type and properties by key.

        Its place is `/artifacts/<key>` unless one of the properties is `uri`.
        """
        contexts = [self._context("pipeline", self._name), self._context("pipeline_run", run)]
        contexts.append(self._context("node", f"{self._name}.{node}"))
        kind = self.store.put_execution_type(pb.ExecutionType(name=node))
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.State.Value(state))
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        made = [self._output(key, *output) for key, output in (outputs or {}).items()]
        known = self.store.get_contexts_by_id(contexts)
        return self.store.put_execution(execution, made, known)[0]

    def end(self, execution_id: int, state: str) -> None:
        """Ends an execution."""
        [execution] = self.store.get_executions_by_id([execution_id])
        execution.last_known_state = pb.Execution.State.Value(state)
        self.store.put_executions([execution])

    def reads(self, execution_id: int, key: str, maker: int) -> None:
        """Lets an execution read the first output of another one."""
        [made, *_] = self.store.get_events_by_execution_ids([maker])
        event = pb.Event(
            type=pb.Event.INPUT, artifact_id=made.artifact_id, execution_id=execution_id
        )
        event.path.steps.add().key = key
        self.store.put_events([event])

    def _output(self, key: str, kind: str, properties: dict[str, Any]) -> tuple[Any, Any]:
        type_id = self.store.put_artifact_type(pb.ArtifactType(name=kind))
        values = {"uri": f"/artifacts/{key}", **properties}
        artifact = pb.Artifact(type_id=type_id, uri=str(values.pop("uri")))
        for name, value in values.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], field, value)
        event = pb.Event(type=pb.Event.OUTPUT)
        event.path.steps.add().key = key
        return artifact, event

    def _context(self, kind: str, name: str) -> int:
        type_id = self.store.put_context_type(pb.ContextType(name=kind))
        try:
            return int(self.store.put_contexts([pb.Context(type_id=type_id, name=name)])[0])
        except errors.AlreadyExistsError:
            return int(self.store.get_context_by_type_and_name(kind, name).id)
