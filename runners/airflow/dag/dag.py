"""The Airflow DAG of one pipeline: a task for each node of the bundle beside this file.

Nodes that share a pod are one task. `beltline compile airflow` copies this file unchanged, with
`nodes.py`, `results.py`, `approval.py`, `monitoring.py` and the module of the chosen executor, and
writes `deployment.json` and `bundles/` beside them. They import only Airflow and the standard
library: parsing them needs nothing of the pipeline. Each task runs `python -m
beltline.runners.node`, or `beltline.runners.pods.task`, in the pipeline's own environment.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    TaskGroup,
)

FOLDER = Path(__file__).parent


def load(name: str) -> ModuleType:
    """Imports a module beside this file, into a package named by this folder.

    Airflow imports a DAG file by its path, and the folder of another pipeline has modules with the
    same names.

    Raises:
      ImportError: there is no such module.
    """
    package = f"beltline_{hashlib.sha256(str(FOLDER).encode()).hexdigest()[:16]}"
    sys.modules.setdefault(package, ModuleType(package))
    full = f"{package}.{name}"
    spec = importlib.util.spec_from_file_location(full, FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}.py is not beside {__file__}")
    # Imported again each time, as it may have been compiled again.
    sys.modules[full] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from beltline.runners.airflow.dag import nodes, results
else:
    # Before the others, which import them.
    nodes, results = load("nodes"), load("results")

GROUPS = {
    "data": "Reads and validates the data.",
    "model": "Fits the preprocessing and trains the model.",
    "release": "Evaluates the model, and pushes a blessed one.",
}

_SMALL = {"cpu": None, "memory": None, "gpu": 0}

# A newline or another control character in a value could forge a log line.
_PRINTABLE = r"^(?![\s\S]*[\x00-\x1f\x7f])"


def parameters(manifest: dict[str, Any]) -> dict[str, Param]:
    """Returns the form for triggering a run: the runtime parameters, and `force`."""
    form = {nodes.key(name): _param(name, each) for name, each in manifest["parameters"].items()}
    ids = [nodes.ALL, *(node["id"] for node in manifest["nodes"])]
    form["force"] = Param(
        [],
        title="Force",
        description="Nodes to run even if their results are cached.",
        type="array",
        items={"type": "string", "enum": ids},
        uniqueItems=True,
        # The form's choices.
        examples=ids,
    )
    return form


def _param(name: str, parameter: dict[str, Any]) -> Param:
    schema: dict[str, Any] = {"title": name, "description": parameter["does"]}
    if parameter["type"] == "integer":
        return Param(parameter["default"], type="integer", minimum=0, **schema)
    if name in nodes.SPANS:
        schema["description"] += " Empty: the day of the run, if there are daily spans."
        pattern = f"{_PRINTABLE}(?:^$|{parameter['pattern']})"
        return Param("", type="string", pattern=pattern, **schema)
    pattern = _PRINTABLE + parameter["pattern"]
    return Param(parameter["default"], type="string", minLength=1, pattern=pattern, **schema)


def schedule(airflow: dict[str, Any]) -> Any:
    """Returns the DAG's schedule: a cron expression, data assets, either of them, or None."""
    assets = AssetAny(*(Asset(uri) for uri in airflow["data_assets"]))
    cron = airflow["schedule"]
    if not airflow["data_assets"]:
        return cron
    if not cron:
        return assets
    timetable = CronTriggerTimetable(cron, timezone=airflow["timezone"])
    return AssetOrTimeSchedule(timetable=timetable, assets=assets)


def build(folder: Path) -> DAG:
    """Returns the DAG of the deployment in `folder`."""
    deployment = nodes.Deployment.read(folder)
    manifest, airflow = deployment.manifest, deployment.airflow
    with DAG(
        deployment.name,
        description=f"Beltline: {len(manifest['nodes'])} nodes to a served model",
        doc_md=_dag_text(deployment),
        schedule=schedule(airflow),
        start_date=deployment.start_date,
        catchup=airflow["catchup"],
        max_active_runs=airflow["max_active_runs"],
        params=parameters(manifest),
        tags=sorted({"beltline", airflow["task"], *airflow["tags"]}),
        user_defined_macros={"span": deployment.span, "forced": nodes.forced},
        default_args=_for_every_task(airflow),
    ) as dag:
        make = load(f"{airflow['where']}_nodes").task
        within = _task_groups(deployment)
        tasks = {
            task["id"]: make(
                deployment, task, task_group=within.get(task["id"]), **_of_task(deployment, task)
            )
            for task in deployment.tasks
        }
        for task in deployment.tasks:
            tasks[task["id"]].set_upstream([tasks[before] for before in task["upstream"]])
        if deployment.requires_approval:
            _approval(deployment, make, tasks[deployment.task_of(results.PUSHER)])
        _track(deployment, make).set_upstream(list(tasks.values()))
    return dag


def _track(deployment: nodes.Deployment, make: Callable[..., Any]) -> Any:
    """Returns the last task, which writes the report of the run and tells other tools of it.

    As a teardown it runs however the others ended, and doesn't decide how the run ended.
    """
    task = {"id": nodes.TRACK, "nodes": [nodes.TRACK], "resources": _SMALL}
    does = "Writes the report of the run, and tells the tools of the section `tracking` of it."
    return make(deployment, task, task_id=nodes.TRACK, doc_md=does).as_teardown()


def _approval(deployment: nodes.Deployment, make: Callable[..., Any], pusher: Any) -> None:
    """Adds the task that asks a person after Pusher's, and the one that carries the answer out."""
    group = pusher.task_group
    does = "Asks whether the version that waits becomes live."
    ask = load("approval").task
    asks = ask(deployment, task_id=nodes.APPROVAL, task_group=group, doc_md=does)
    task = {"id": nodes.DECIDE, "nodes": [nodes.DECIDE], "resources": _SMALL}
    decides = make(
        deployment,
        task,
        task_id=nodes.DECIDE,
        task_group=group,
        doc_md="Makes the version live, or deletes it, as was answered.",
        outlets=[_model(deployment)],
    )
    asks.set_upstream(pusher)
    decides.set_upstream(asks)


def _model(deployment: nodes.Deployment) -> Asset:
    return Asset(f"beltline://{deployment.name}/model")


def _task_groups(deployment: nodes.Deployment) -> dict[str, TaskGroup]:
    """Returns the group of each task; tasks whose nodes share pods are few, and have none."""
    roles = {node["id"]: node["role"] for node in deployment.manifest["nodes"]}
    if [task["id"] for task in deployment.tasks] != [*roles]:
        return {}
    groups = {
        role: TaskGroup(role, tooltip=tooltip, prefix_group_id=False)
        for role, tooltip in GROUPS.items()
    }
    return {node: groups[role] for node, role in roles.items()}


def build_check(folder: Path) -> DAG:
    """Returns the DAG that `beltline check airflow` triggers: it runs the probe as a task.

    Its task runs where and as the nodes do, but without a GPU.
    """
    deployment = nodes.Deployment.read(folder)
    with DAG(
        f"{deployment.name}_check",
        description=f"Probes where {deployment.name} runs, for `beltline check airflow`",
        schedule=None,
        # It changes nothing, and a run that waits to be unpaused would report nothing.
        is_paused_upon_creation=False,
        tags=["beltline", "check"],
    ) as check:
        make = load(f"{deployment.airflow['where']}_nodes").task
        probe = {"id": nodes.PROBE, "nodes": [nodes.PROBE], "resources": _SMALL}
        make(deployment, probe, task_id=nodes.PROBE)
    return check


def _for_every_task(airflow: dict[str, Any]) -> dict[str, Any]:
    return {
        "retries": airflow["retries"],
        "retry_delay": timedelta(seconds=airflow["retry_delay_seconds"]),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=30),
        "execution_timeout": timedelta(minutes=airflow["timeout_minutes"]),
        "on_failure_callback": nodes.reconcile_after_failure,
        "on_retry_callback": nodes.reconcile_after_failure,
    }


def _of_task(deployment: nodes.Deployment, task: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a task that all executors share."""
    airflow = deployment.airflow
    values: dict[str, Any] = {
        "task_id": task["id"],
        "doc_md": _task_text(deployment, task),
        "execution_timeout": len(task["nodes"]) * timedelta(minutes=airflow["timeout_minutes"]),
    }
    gpus = task["resources"]["gpu"]
    if gpus:
        values |= {"pool": airflow["gpu_pool"], "pool_slots": gpus}
    own = [node for node in deployment.manifest["nodes"] if node["id"] in task["nodes"]]
    # Bundles of an earlier Beltline don't say it.
    if any(node.get("after_skipped") for node in own):
        values["trigger_rule"] = "none_failed"
    if results.PUSHER in task["nodes"] and not deployment.requires_approval:
        values["outlets"] = [_model(deployment)]
    return values


def _task_text(deployment: nodes.Deployment, task: dict[str, Any]) -> str:
    wanted = {key: value for key, value in task["resources"].items() if value}
    resources = ", ".join(f"{key} {value}" for key, value in wanted.items())
    own = [node for node in deployment.manifest["nodes"] if node["id"] in task["nodes"]]
    shared = len(own) > 1
    gates = [
        f"{node['id'] if shared else 'yes'} ({node['gate']}): it can refuse"
        for node in own
        if node["gate"]
    ]
    lines = {
        "upstream": ", ".join(task["upstream"]) or "none",
        "gate": ", ".join(gates) or "no",
        "resources": resources or "none requested",
        "bundle": f"`{deployment.manifest['digest'][:16]}`",
    }
    table = ["| node in its pod | does |", "|---|---|"]
    table += [f"| {node['id']} | {node['does']} |" for node in own]
    does = table if shared else [own[0]["does"]]
    return "\n".join([*does, "", *(f"- {key}: {text}" for key, text in lines.items())])


def _dag_text(deployment: nodes.Deployment) -> str:
    manifest = deployment.manifest
    parts = [f"| {node['id']} | {node['role']} | {node['does']} |" for node in manifest["nodes"]]
    given = [
        f"| `{nodes.key(name)}` | `{each['default']}` | {each['does']} |"
        for name, each in manifest["parameters"].items()
    ]
    return "\n".join(
        [
            f"The pipeline `{manifest['name']}`, from data to a served model.",
            "",
            f"- bundle `{manifest['digest'][:16]}`, model code `{manifest['code']}`",
            f"- Beltline {manifest['version']}, requirements `{manifest['lock']}`",
            f"- nodes run by: {deployment.airflow['where']}",
            "",
            *("| node | part | does |", "|---|---|---|", *parts, ""),
            *("| parameter | default | is |", "|---|---|---|", *given, ""),
            *("Settings:", "", "```json", deployment.settings, "```"),
        ]
    )


def build_monitor(folder: Path) -> DAG:
    """Returns the DAG that monitors the live version, and triggers this one to retrain it."""
    deployment = nodes.Deployment.read(folder)
    make = load(f"{deployment.airflow['where']}_nodes").task
    return load("monitoring").build(deployment, make, _for_every_task(deployment.airflow))


dag = build(FOLDER)
check = build_check(FOLDER)
monitor = build_monitor(FOLDER)
