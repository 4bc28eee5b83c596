"""How long each node of a run took, as ML Metadata has it: the same measure for every runner.

It is the time from the execution's entry, before the executor begins, to its last update, when its
outputs are published.
"""

from pathlib import Path
from typing import Any

_SQLITE = "metadata.sqlite"


def open_store(root: Path) -> Any:
    """Returns the ML Metadata store, an SQLite file, in the root of either side."""
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(root / _SQLITE)
    return MetadataStore(connection)


def latest(root: Path) -> dict[str, Any]:
    """Returns each node's last execution that is complete, by node id, in the order of entry."""
    from ml_metadata.proto import metadata_store_pb2

    store = open_store(root)
    found: dict[str, Any] = {}
    for execution in sorted(store.get_executions(), key=lambda each: each.id):
        contexts = store.get_contexts_by_execution(execution.id)
        [node] = [each.name.partition(".")[2] for each in contexts if each.type == "node"]
        if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE:
            found[node] = execution
    return found


def node_seconds(root: Path) -> dict[str, float]:
    """Returns the seconds of each node's last complete execution, by node id."""
    times = {node: node_times(execution) for node, execution in latest(root).items()}
    return {node: end - begin for node, (begin, end) in times.items()}


def node_times(execution: Any) -> tuple[float, float]:
    """Returns when an execution began and ended, in seconds since the epoch."""
    began, ended = execution.create_time_since_epoch, execution.last_update_time_since_epoch
    return float(began) / 1000, float(ended) / 1000


def output_folder(root: Path, node: str, output: str) -> Path:
    """Returns where an artifact lies that a node's last complete execution has written."""
    from ml_metadata.proto import metadata_store_pb2

    store, execution = open_store(root), latest(root)[node]
    for event in store.get_events_by_execution_ids([execution.id]):
        key = event.path.steps[0].key if event.path.steps else ""
        if event.type == metadata_store_pb2.Event.OUTPUT and key == output:
            [artifact] = store.get_artifacts_by_id([event.artifact_id])
            return Path(artifact.uri)
    raise LookupError(f"{node} has no output '{output}'")
