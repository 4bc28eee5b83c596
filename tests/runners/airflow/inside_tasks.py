"""Tasks of a compiled folder, and the context that Airflow would give them; see `inside.py`."""

import logging
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import OutletEventAccessors


def dag_of(folder: str, node: str = "") -> DAG:
    """The DAG that has a node's task; without one, the pipeline's."""
    dags = DagBag(folder).dags
    if not node:
        [dag] = [each for name, each in dags.items() if not name.endswith(("_check", "_monitor"))]
    else:
        [dag] = [each for each in dags.values() if each.has_task(node)]
    return dag


class Instance(SimpleNamespace):
    """A task instance: what the tasks before it have left for others, and what it leaves."""

    left: dict[str, dict[str, Any]]
    leaves: dict[str, Any]

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.left.get(task_ids, {}).get(key)

    def xcom_push(self, key: str, value: Any) -> None:
        self.leaves[key] = value


class Records(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        raised = f" ({record.exc_info[1]!r})" if record.exc_info else ""
        self.lines.append([record.levelname, record.name, record.getMessage() + raised])


def prepared(
    folder: str,
    node: str,
    run_id: str,
    day: str,
    given: dict[str, Any],
    left: dict[str, dict[str, Any]] | None = None,
) -> tuple[Any, dict[str, Any], Records]:
    dag = dag_of(folder, node)
    dag.params.update(given)
    task = dag.get_task(node)
    moment = datetime.fromisoformat(day) if day else None
    context = {
        "dag": dag,
        "dag_run": SimpleNamespace(logical_date=moment, run_id=run_id),
        "outlet_events": OutletEventAccessors(),
        "params": dict(dag.params.validate()),
        "run_id": run_id,
        "task": task,
        "ti": Instance(
            dag_id=dag.dag_id, task_id=node, try_number=1, map_index=-1, left=left or {}, leaves={}
        ),
    }
    records = Records()
    root = logging.getLogger()
    root.handlers, root.level = [records], logging.DEBUG
    return task, context, records
