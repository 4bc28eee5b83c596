"""Runs in Airflow's environment: answers questions about a compiled folder, one a line.

`airflow_process.py` starts it and asks. Each question is a JSON object with the name of a function
below; the answer is a JSON object too.
"""

import inspect
import json
import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
from inside_tasks import dag_of, prepared


def load(folder: str) -> dict[str, Any]:
    """What the DAG processor would find in a folder of DAGs."""
    began = time.process_time()
    bag = DagBag(folder)
    processor_seconds = time.process_time() - began
    took = {Path(each.file).name: each.duration.total_seconds() for each in bag.dagbag_stats}
    return {
        "errors": bag.import_errors,
        "seconds": took,
        "processor_seconds": processor_seconds,
        "dags": {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()},
        "tasks": {name: list(map(described, dag.tasks)) for name, dag in bag.dags.items()},
        "schedule": {name: type(dag.timetable).__name__ for name, dag in bag.dags.items()},
    }


def private_calls(folder: str) -> dict[str, Any]:
    """Which private methods that we override the provider has, and calls itself."""
    from airflow.providers.cncf.kubernetes.utils import pod_manager

    source = inspect.getsource(pod_manager)
    known = hasattr(pod_manager.PodManager, "_log_message")
    return {"_log_message": known and "self._log_message(" in source}


def described(task: BaseOperator) -> dict[str, Any]:
    return {
        "id": task.task_id,
        "operator": type(task).__name__,
        "upstream": sorted(task.upstream_task_ids),
        "group": task.task_group.group_id,
        "text": task.doc_md,
        "retries": task.retries,
        "delay": task.retry_delay.total_seconds(),
        "factor": task.retry_exponential_backoff,
        "longest_delay": seconds(task.max_retry_delay),
        "limit": seconds(task.execution_timeout),
        "answer_limit": seconds(getattr(task, "response_timeout", None)),
        "pool": [task.pool, task.pool_slots],
        "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "outlets": [asset.uri for asset in task.outlets],
        "starts": [getattr(task, f"trigger_{name}", "") for name in ("dag_id", "run_id")],
    }


def seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span else None


def form(folder: str, given: dict[str, Any]) -> dict[str, Any]:
    """What Airflow makes of what somebody types into the form."""
    dag = dag_of(folder)
    try:
        dag.params.update(given)
        return {"params": dict(dag.params.validate())}
    except Exception as error:
        return {"error": str(error)}


def run(
    folder: str,
    node: str,
    run_id: str = "run-1",
    day: str = "",
    stop_after: float = 0,
    left: dict[str, dict[str, Any]] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Runs a task as Airflow's task process does: renders, executes, and calls back on failure.

    `left` is what the tasks before it have left for others, by key.
    """
    task, context, records = prepared(folder, node, run_id, day, given, left)
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    if stop_after:
        threading.Timer(stop_after, task.on_kill).start()
    ended: dict[str, Any] = {"raised": "", "says": "", "result": None}
    started = time.monotonic()
    try:
        task.render_template_fields(context)
        ended["result"] = task.execute(context)
    except Exception as error:
        ended |= {"raised": type(error).__name__, "says": str(error)}
        if "Skip" not in ended["raised"]:
            context["exception"] = error
            task.on_failure_callback[0](context)
    ended["seconds"] = time.monotonic() - started
    extras = [each.extra for each in context["outlet_events"]._dict.values()]
    return ended | {"lines": records.lines, "extras": extras, "leaves": context["ti"].leaves}


def question(folder: str, left: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the task Approval tells the supervisor of its process, and how it ends then."""
    from airflow.sdk.execution_time import task_runner

    task, context, _ = prepared(folder, "Approval", "run-1", "", {}, left)
    context["task_instance"] = SimpleNamespace(id="01980000-0000-7000-8000-000000000000")
    told: list[Any] = []
    supervisor = SimpleNamespace(send=lambda **said: told.append(said["msg"]))
    try:
        with patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True):
            task.execute(context)
    except BaseException as ended:
        asked = told[0].model_dump(mode="json") if told else None
        return {"asked": asked, "raised": type(ended).__name__}
    return {"raised": ""}


def answered(folder: str, event: dict[str, Any], left: dict[str, Any]) -> dict[str, Any]:
    """What the task Approval leaves for others after an answer."""
    task, context, _ = prepared(folder, "Approval", "run-1", "", {}, left)
    event["responded_at"] = datetime.fromisoformat("2026-11-23T06:00:00+00:00")
    try:
        return {"answer": task.execute_complete(context, event)}
    except Exception as error:
        return {"raised": type(error).__name__}


def reconcile(folder: str, node: str, run_id: str = "run-1") -> dict[str, Any]:
    """Calls back as the DAG processor does for a task that was killed."""
    task, context, records = prepared(folder, node, run_id, "", {})
    task.on_failure_callback[0](context)
    return {"lines": records.lines}


def pod(folder: str, node: str) -> dict[str, Any]:
    """The pod that a task would start, without the parts that name a cluster."""
    from kubernetes.client import ApiClient

    task, context, _ = prepared(folder, node, "run-1", "", {})
    task.render_template_fields(context)
    made = task.build_pod_request_obj(dry_run=True)
    waits = {"schedule": task.schedule_timeout_seconds, "start": task.startup_timeout_seconds}
    return {**ApiClient().sanitize_for_serialization(made), "waits": waits}


def reconcile_pod(
    folder: str,
    node: str,
    cluster: str,
    start_seconds: float,
    started: bool | None = None,
    killed: bool = False,
) -> dict[str, Any]:
    """Calls back for a task whose pod is in a cluster, by its kubeconfig.

    `started` says whether this process saw its pod start; None where another ran the task.
    """
    task, context, records = prepared(folder, node, "run-1", "", {})
    task.config_file = cluster
    task._started = started
    if killed:
        task.on_kill()
    # Of the module that the task's class is of: it is imported anew for each DAG.
    type(task).reconcile.__globals__["_START_SECONDS"] = start_seconds
    task.on_failure_callback[0](context)
    return {"lines": records.lines}


def pod_run(
    folder: str, node: str, cluster: str, left: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """Runs a task whose pod is in a cluster, by its kubeconfig."""
    task, context, records = prepared(folder, node, "run-1", "", given, left)
    task.config_file = cluster
    ended: dict[str, Any] = {"raised": "", "says": "", "result": None}
    try:
        task.render_template_fields(context)
        ended["result"] = task.execute(context)
    except Exception as error:
        ended |= {"raised": type(error).__name__, "says": str(error)}
    extras = [each.extra for each in context["outlet_events"]._dict.values()]
    kept = {"kept": task.do_xcom_push, "leaves": context["ti"].leaves}
    return ended | {"lines": records.lines, "extras": extras, **kept}


def pod_ended(folder: str, node: str, exit_code: int) -> dict[str, Any]:
    """What becomes of a task whose container has ended, in a cluster that has deleted its pod."""
    from kubernetes.client import ApiClient, Configuration, CoreV1Api, models

    task, _, _ = prepared(folder, node, "run-1", "", {})
    server = HTTPServer(("127.0.0.1", 0), NotFound)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    task.client = CoreV1Api(ApiClient(Configuration(host=address)))
    ended = models.V1ContainerStateTerminated(exit_code=exit_code)
    container = models.V1ContainerStatus(
        name=task.base_container_name,
        state=models.V1ContainerState(terminated=ended),
        **{"image": "i", "image_id": "i", "ready": False, "restart_count": 0},
    )
    phase = "Failed" if exit_code else "Succeeded"
    pod = models.V1Pod(
        metadata=models.V1ObjectMeta(name="pod", namespace="ml", annotations={}, labels={}),
        spec=models.V1PodSpec(containers=[]),
        status=models.V1PodStatus(phase=phase, container_statuses=[container]),
    )
    try:
        task.cleanup(pod=pod, remote_pod=pod)
    except Exception as error:
        return {"raised": type(error).__name__}
    finally:
        server.shutdown()
    return {"raised": ""}


class NotFound(BaseHTTPRequestHandler):
    """Kubernetes' answer where there is no such pod."""

    def answer(self) -> None:
        self.send_error(404)

    do_DELETE = do_GET = do_PATCH = answer

    def log_message(self, *_: Any) -> None:
        """Keeps quiet."""


def container(folder: str, node: str, left: dict[str, Any] | None = None) -> dict[str, Any]:
    """What Docker would be told of a task's container."""
    from docker import APIClient

    task, context, _ = prepared(folder, node, "run-1", "", {}, left)
    task.render_template_fields(context)
    host = APIClient(version="1.43").create_host_config(**task.limits())
    made = {"command": task.command, "host": host, "user": task.user, "image": task.image}
    return made | {"environment": task._environment()}


def main() -> None:
    # Airflow writes to stdout as it likes; the answers go where the questions expect them.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        question = json.loads(line)
        answer = globals()[question.pop("ask")](**question)
        answers.write(json.dumps(answer, default=str) + "\n")


main()
