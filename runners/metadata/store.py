"""ML Metadata: the connection, and the executions of a run, whatever ran the nodes."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

# Read at import: otherwise it logs two lines for each connection to PostgreSQL.
os.environ.setdefault("GLOG_minloglevel", "1")

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.base.database_url import DatabaseUrl, read_url, shown
from beltline.base.errors import WrongInput
from beltline.base.locks import locked
from beltline.runners.metadata import postgresql
from beltline.runners.metadata.tls import set_tls
from beltline.runners.paths import METADATA, Paths, make_root

REASON = "beltline_reason"
BUNDLE = "beltline_bundle"
# A gate without an artifact for its verdict fails; this tells a refusal from a failure.
REFUSED = "beltline_refused"
# Of a call that conflicts with another process's write; two seconds apart on average.
_RETRIES = 15


def connection_config(url: str) -> pb.ConnectionConfig:
    """Returns ML Metadata's connection for `sqlite:///…`, `mysql://…` or `postgresql://…`.

    Raises:
      WrongInput: the URL is none of these, names no database, or has an option for TLS that ML
        Metadata's client can't honour. The message hides the password.
    """
    database = read_url(url, METADATA)
    config = pb.ConnectionConfig()
    config.retry_options.max_num_retries = _RETRIES
    if database.file:
        make_root(database.file.parent)
        config.sqlite.filename_uri = str(database.file)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    elif database.kind == "mysql":
        _fill(config.mysql, database, port=database.port)
        config.mysql.database = database.name
        set_tls(config, database)
    else:
        _fill(config.postgresql, database, port=str(database.port))
        config.postgresql.dbname = database.name
        set_tls(config, database)
        postgresql.install()
    return config


def _why(error: str) -> str:
    if "mysql_real_connect" in error:
        # It doesn't pass on the server's own message.
        return (
            f"{error.strip()} Is the server up, and are user, password and database correct? Does "
            "it require TLS (`?ssl_cipher=HIGH`)?"
        )
    # The message comes first, then the whole query, which helps nobody.
    return error.partition("\n")[0].rpartition(" query:")[0] or error


def _fill(source: Any, database: DatabaseUrl, port: int | str) -> None:
    source.host = database.host
    source.port = port
    source.user = database.user
    source.password = database.password


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


class Lineage:
    """The runs and executions of one pipeline in ML Metadata.

    Raises:
      WrongInput: the database can't be opened.
    """

    def __init__(self, url: str, pipeline: str):
        try:
            self.store = mlmd.MetadataStore(connection_config(url))
        except (OSError, RuntimeError, mlmd.errors.StatusError) as error:
            raise WrongInput(
                f"ML Metadata at {shown(url)} can't be opened: {_why(str(error))}"
            ) from None
        self._pipeline = pipeline

    def runs(self) -> list[str]:
        """Returns the ids of all runs, oldest first."""
        pipeline = self.store.get_context_by_type_and_name("pipeline", self._pipeline)
        children = self.store.get_children_contexts_by_context(pipeline.id) if pipeline else []
        runs = [child for child in children if child.type == "pipeline_run"]
        return [run.name for run in sorted(runs, key=lambda run: run.id)]

    def nodes(self, run: str) -> list[NodeRun]:
        """Returns the executions of a run, in the order they started; empty for an unknown run."""
        context = self.store.get_context_by_type_and_name("pipeline_run", run)
        if context is None:
            return []
        executions = self.store.get_executions_by_context(context.id)
        executions.sort(key=lambda execution: execution.id)
        # Two pipelines may have runs with the same id: Airflow names them by their time.
        named = [(self._node_id(execution), execution) for execution in executions]
        return [self._node_run(node, execution) for node, execution in named if node]

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
        return [each for each in own if not self._outputs(each)]

    def _node_run(self, node: str, execution: pb.Execution) -> NodeRun:
        properties = execution.custom_properties
        return NodeRun(
            node=node,
            state=_state(execution),
            execution_id=execution.id,
            started=execution.create_time_since_epoch / 1000,
            ended=execution.last_update_time_since_epoch / 1000,
            reason=properties[REASON].string_value if REASON in properties else "",
            bundle=properties[BUNDLE].string_value if BUNDLE in properties else "",
            outputs=self._outputs(execution.id),
        )

    def _node_id(self, execution: pb.Execution) -> str:
        """Returns the id of the node; empty if it belongs to another pipeline."""
        prefix = f"{self._pipeline}."
        contexts = self.store.get_contexts_by_execution(execution.id)
        named = [context.name for context in contexts if context.type == "node"]
        ours = [name.removeprefix(prefix) for name in named if name.startswith(prefix)]
        return ours[0] if ours else ""

    def inputs(self, execution_id: int) -> dict[str, list[dict[str, Any]]]:
        """Returns the input artifacts of an execution by key, each as its uri and properties."""
        return self._artifacts(execution_id, (pb.Event.INPUT, pb.Event.INTERNAL_INPUT))

    def _outputs(self, execution_id: int) -> dict[str, list[dict[str, Any]]]:
        # A Resolver's result is an internal output.
        return self._artifacts(execution_id, (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT))

    def _artifacts(
        self, execution_id: int, kinds: tuple[int, ...]
    ) -> dict[str, list[dict[str, Any]]]:
        events = [
            event
            for event in self.store.get_events_by_execution_ids([execution_id])
            if event.type in kinds
        ]
        artifacts = {
            a.id: a for a in self.store.get_artifacts_by_id([e.artifact_id for e in events])
        }
        found: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            key = event.path.steps[0].key
            found.setdefault(key, []).append(_described(artifacts[event.artifact_id]))
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


def first(outputs: dict[str, list[dict[str, Any]]], kind: str) -> dict[str, Any] | None:
    """Returns the properties of the first output artifact of a type, or None."""
    every: Sequence[dict[str, Any]] = [each for group in outputs.values() for each in group]
    return next((each["properties"] for each in every if each["type"] == kind), None)
