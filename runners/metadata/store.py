"""The executions of a run in ML Metadata, whatever ran the nodes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.base.errors import WrongInput
from beltline.base.locks import locked
from beltline.runners.metadata.connection import opened
from beltline.runners.paths import Paths, make_root

REASON = "beltline_reason"
BUNDLE = "beltline_bundle"
# A gate without an artifact for its verdict fails; this tells a refusal from a failure.
REFUSED = "beltline_refused"
_OUTPUTS = (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
# The artifacts of executions by key.
_Artifacts = dict[int, dict[str, list[dict[str, Any]]]]
# In one query: SQLite refuses one that is longer than a million characters.
_AT_ONCE = 10_000


@dataclass(frozen=True)
class NodeRun:
    """One node's execution in a run; times are seconds since the epoch.

    `outputs` are the output artifacts by key, each as its uri and properties.
    """

    node: str
    state: str
    execution_id: int
    started: float
    ended: float
    reason: str = ""
    bundle: str = ""
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def unfinished(self) -> bool:
        """Whether it has not ended, as far as ML Metadata knows."""
        return self.state in ("running", "new")


class Lineage:
    """The runs and executions of one pipeline in ML Metadata.

    Raises:
      WrongInput: the database can't be opened.
    """

    def __init__(self, url: str, pipeline: str):
        self.store = opened(url)
        self._pipeline = pipeline

    def runs(self) -> list[str]:
        """Returns the ids of all runs, oldest first."""
        return [run.name for run in self._run_contexts()]

    def every_node(self) -> dict[str, list[NodeRun]]:
        """Returns what `nodes` does for every run, oldest first, in about one query a run."""
        node_of = self._nodes_of_executions()
        found = {run.name: self._in_context(run.id) for run in self._run_contexts()}
        outputs = self._artifacts(list(node_of), _OUTPUTS)
        return {
            run: [
                _node_run(node_of[each.id], each, outputs.get(each.id, {}))
                for each in executions
                if each.id in node_of
            ]
            for run, executions in found.items()
        }

    def _run_contexts(self) -> list[pb.Context]:
        pipeline = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        children = self.store.get_children_contexts_by_context(pipeline.id) if pipeline else []
        runs = [child for child in children if child.type == "pipeline_run"]
        return sorted(runs, key=lambda run: run.id)

    def _nodes_of_executions(self) -> dict[int, str]:
        """Returns the id of the node of each execution of this pipeline."""
        prefix = f"{self._pipeline}."
        contexts = self.store.get_contexts_by_type("node")
        return {
            execution.id: context.name.removeprefix(prefix)
            for context in contexts
            if context.name.startswith(prefix)
            for execution in self.store.get_executions_by_context(context.id)
        }

    def _in_context(self, context_id: int) -> list[pb.Execution]:
        executions = self.store.get_executions_by_context(context_id)
        return sorted(executions, key=lambda execution: execution.id)

    def nodes(self, run: str) -> list[NodeRun]:
        """Returns the executions of a run, in the order they started; empty for an unknown run."""
        context = self.store.get_context_by_type_and_name("pipeline_run", run)
        if context is None:
            return []
        executions = self._in_context(context.id)
        outputs = self._artifacts([each.id for each in executions], _OUTPUTS)
        # Two pipelines may have runs with the same id: Airflow names them by their time.
        named = [(self._node_id(execution), execution) for execution in executions]
        return [_node_run(node, each, outputs.get(each.id, {})) for node, each in named if node]

    def node(self, run: str, node: str) -> NodeRun | None:
        """Returns a node's latest execution in a run, or None."""
        found = [each for each in self.nodes(run) if each.node == node]
        return found[-1] if found else None

    def properties(self, execution_id: int) -> dict[str, Any]:
        """Returns the plain properties of an execution by name."""
        [execution] = self.store.get_executions_by_id([execution_id])
        return _plain([*execution.properties.items(), *execution.custom_properties.items()])

    def annotate(self, execution_id: int, **properties: str) -> None:
        """Writes custom properties to an execution."""
        [execution] = self.store.get_executions_by_id([execution_id])
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        self.store.put_executions([execution])

    def annotate_artifact(self, artifact_id: int, properties: Mapping[str, str | int]) -> None:
        """Writes custom properties to an artifact."""
        [artifact] = self.store.get_artifacts_by_id([artifact_id])
        for name, value in properties.items():
            if isinstance(value, int):
                artifact.custom_properties[name].int_value = value
            else:
                artifact.custom_properties[name].string_value = value
        self.store.put_artifacts([artifact])

    def cancel(self, execution_id: int, reason: str) -> None:
        """Marks an execution as canceled: there was nothing to do."""
        [execution] = self.store.get_executions_by_id([execution_id])
        execution.last_known_state = pb.Execution.CANCELED
        execution.custom_properties[REASON].string_value = reason
        self.store.put_executions([execution])

    def fail(self, execution_id: int, reason: str) -> None:
        """Marks an execution as failed, unless it has already ended."""
        [execution] = self.store.get_executions_by_id([execution_id])
        if execution.last_known_state in (pb.Execution.RUNNING, pb.Execution.NEW):
            execution.last_known_state = pb.Execution.FAILED
            execution.custom_properties[REASON].string_value = reason
            self.store.put_executions([execution])

    def failed(self, node: str, execution_ids: Collection[int]) -> list[int]:
        """Returns which of some executions are of this node, and have failed without an output."""
        found = self.store.get_executions_by_id(execution_ids)
        # What a gate has refused is kept, for people to look at.
        failed = [each for each in found if _state(each) == "failed"]
        own = [each.id for each in failed if self._node_id(each) == node]
        outputs = self._artifacts(own, _OUTPUTS)
        return [each for each in own if not outputs.get(each)]

    def _node_id(self, execution: pb.Execution) -> str:
        """Returns the id of the node; empty if it belongs to another pipeline."""
        prefix = f"{self._pipeline}."
        contexts = self.store.get_contexts_by_execution(execution.id)
        named = [context.name for context in contexts if context.type == "node"]
        ours = [name.removeprefix(prefix) for name in named if name.startswith(prefix)]
        return ours[0] if ours else ""

    def inputs(self, execution_id: int) -> dict[str, list[dict[str, Any]]]:
        """Returns the input artifacts of an execution by key, each as its uri and properties."""
        kinds = (pb.Event.INPUT, pb.Event.INTERNAL_INPUT)
        return self._artifacts([execution_id], kinds).get(execution_id, {})

    def _artifacts(self, execution_ids: Sequence[int], kinds: tuple[int, ...]) -> _Artifacts:
        # A Resolver's result is an internal output.
        events = [
            event
            for some in _batches(execution_ids)
            for event in self.store.get_events_by_execution_ids(some)
            if event.type in kinds
        ]
        ids = sorted({event.artifact_id for event in events})
        artifacts = {
            artifact.id: artifact
            for some in _batches(ids)
            for artifact in self.store.get_artifacts_by_id(some)
        }
        found: _Artifacts = {}
        for event in events:
            of_key = found.setdefault(event.execution_id, {})
            described = _described(artifacts[event.artifact_id])
            of_key.setdefault(event.path.steps[0].key, []).append(described)
        return found


def open_exclusively(paths: Paths, pipeline: str) -> Lineage:
    """Opens ML Metadata while no other node of this root does: the first one creates the tables.

    Raises:
      WrongInput: the root is not writable.
    """
    try:
        make_root(paths.root)
        with locked(paths.root, "metadata.lock"):
            return Lineage(paths.metadata, pipeline)
    except OSError as error:
        raise WrongInput(f"the root {paths.root} is not writable: {error.strerror}") from None


def _batches(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _node_run(
    node: str, execution: pb.Execution, outputs: dict[str, list[dict[str, Any]]]
) -> NodeRun:
    properties = execution.custom_properties
    return NodeRun(
        node=node,
        state=_state(execution),
        execution_id=execution.id,
        started=execution.create_time_since_epoch / 1000,
        ended=execution.last_update_time_since_epoch / 1000,
        reason=properties[REASON].string_value if REASON in properties else "",
        bundle=properties[BUNDLE].string_value if BUNDLE in properties else "",
        outputs=outputs,
    )


def _state(execution: pb.Execution) -> str:
    state = pb.Execution.State.Name(execution.last_known_state).lower()
    refused = execution.custom_properties[REFUSED].string_value if state == "failed" else ""
    return "refused" if refused else state


def _described(artifact: pb.Artifact) -> dict[str, Any]:
    values = _plain([*artifact.properties.items(), *artifact.custom_properties.items()])
    return {"id": artifact.id, "type": artifact.type, "uri": artifact.uri, "properties": values}


def _plain(named: list[tuple[str, pb.Value]]) -> dict[str, Any]:
    values = {name: getattr(value, value.WhichOneof("value")) for name, value in named}
    # TFX stores some structures there that only it can read.
    return {n: value for n, value in values.items() if isinstance(value, int | float | str)}


def version_of(pushed: Mapping[str, Any]) -> str:
    """Returns the version in a PushedModel's properties, also one that waited; empty if none."""
    return str(pushed.get("pushed_version") or pushed.get("waiting_version") or "")


def first(outputs: dict[str, list[dict[str, Any]]], kind: str) -> dict[str, Any] | None:
    """Returns the properties of the first output artifact of a type, or None."""
    every: Sequence[dict[str, Any]] = [each for group in outputs.values() for each in group]
    return next((each["properties"] for each in every if each["type"] == kind), None)
