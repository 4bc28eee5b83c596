"""The checks of `beltline check airflow`: Airflow over REST, then a task where the nodes run.

The second part is a real task run: the DAG file defines a small DAG `<name>_check` that runs
`beltline.runners.checks.probe` as the nodes run, in the same environment, container or pod, with
the same paths. To add a check of the first part, write a function that returns a line or raises
`Problem`, and list it in `_CHECKS`.
"""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from beltline.pipeline.settings.reading import Project
from beltline.runners.airflow.api import AirflowApi
from beltline.runners.checks.finding import Finding, Problem, run_check
from beltline.runners.paths import Paths

_VERSION = (3, 0)
_SKEW_SECONDS = 5.0
_PROBE_SECONDS = 180
_COMPONENTS = ("metadatabase", "scheduler", "dag_processor")


@dataclass(frozen=True)
class AirflowNeeds:
    """What the settings need of Airflow: the DAG, the pool, and the most GPUs of one node.

    `monitored` tells whether monitoring has a schedule.
    """

    name: str
    pool: str
    gpus: int
    monitored: bool


def findings(project: Project, _: Paths) -> Iterator[Finding]:
    """Runs every check; those of the task come last."""
    yield run_check("pipeline", functools.partial(_definition, project))
    settings = project.settings
    gpus = max((each.gpu for each in settings.resources.values()), default=0)
    monitored = settings.airflow.monitoring_schedule is not None
    needs = AirflowNeeds(settings.name, settings.airflow.gpu_pool, gpus, monitored)
    yield from api_findings(AirflowApi.from_environment(), needs)


def _definition(project: Project) -> str:
    from beltline.pipeline import preflight

    preflight.check_definition(project)
    return "settings, schema and model code are consistent"


def api_findings(api: AirflowApi, needs: AirflowNeeds) -> Iterator[Finding]:
    """Runs the checks over REST; all but the first need Airflow to be reachable."""
    first = run_check("airflow", functools.partial(airflow, api, needs))
    yield first
    if not first.ok:
        rest = ", ".join([look.__name__ for look in _CHECKS] + ["task"])
        yield Finding("rest", None, f"not checked, as Airflow is not reachable: {rest}")
        return
    for look in _CHECKS:
        yield run_check(look.__name__, functools.partial(look, api, needs))
    yield from _task_findings(api, needs)


def airflow(api: AirflowApi, _: AirflowNeeds) -> str:
    """Checks that Airflow is reachable and recent enough for the DAG file."""
    version = str(api.ask("version")["version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _VERSION:
        raise Problem(f"Airflow {version}; the DAG file needs 3.0 or later", "upgrade Airflow")
    return f"Airflow {version} at {api.url}"


def health(api: AirflowApi, _: AirflowNeeds) -> str:
    """Checks that the scheduler, the DAG processor and the database are healthy."""
    found = api.ask("monitor/health")
    bad = [name for name in _COMPONENTS if (found.get(name) or {}).get("status") != "healthy"]
    if bad:
        raise Problem(f"not healthy: {', '.join(bad)}", "start it, or see its log")
    return ", ".join(_COMPONENTS)


def clock(api: AirflowApi, _: AirflowNeeds) -> str:
    """Checks that the clocks agree: the logical date chooses the data."""
    answer = api.answer("version")
    theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    return _checked_skew(theirs - time.time(), "Airflow's")


def _checked_skew(seconds: float, whose: str) -> str:
    shown = f"{whose} clock is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(seconds) > _SKEW_SECONDS:
        raise Problem(shown, "synchronize the clocks of all machines with NTP")
    return f"{whose} clock is in sync"


def pool(api: AirflowApi, needs: AirflowNeeds) -> str:
    """Checks the pool that limits how many nodes with a GPU run at once."""
    if not needs.gpus:
        return "no node requests a GPU"
    answer = api.answer(f"pools/{needs.pool}")
    create = f"`airflow pools set {needs.pool} {needs.gpus} GPUs`"
    if answer.status_code == 404:
        raise Problem(f"pool '{needs.pool}' not found", f"create it: {create}")
    slots = int(api.ask(f"pools/{needs.pool}")["slots"])
    if 0 <= slots < needs.gpus:
        raise Problem(f"{slots} slots; a node needs {needs.gpus}", f"enlarge it: {create}")
    return f"{needs.pool}: {slots} slots"


def dag(api: AirflowApi, needs: AirflowNeeds) -> str:
    """Checks that the DAG is loaded, without import errors, and not paused."""
    broken = [
        each
        for each in api.ask("importErrors")["import_errors"]
        if f"/{needs.name}/" in f"/{each['filename']}"
    ]
    if broken:
        raise Problem(str(broken[0]["stack_trace"]).strip().splitlines()[-1], "compile it again")
    return _runnable(api, needs.name)


def monitoring(api: AirflowApi, needs: AirflowNeeds) -> str:
    """Checks that the monitoring DAG is loaded and not paused, where it has a schedule."""
    return _runnable(api, f"{needs.name}_monitor") if needs.monitored else "has no schedule"


def _runnable(api: AirflowApi, dag_id: str) -> str:
    if api.answer(f"dags/{dag_id}").status_code == 404:
        fix = "run `beltline compile airflow` into the DAG folder; the next parse finds it"
        raise Problem(f"DAG '{dag_id}' not found", fix)
    if api.ask(f"dags/{dag_id}")["is_paused"]:
        raise Problem(f"'{dag_id}' is paused", f"`airflow dags unpause {dag_id}`")
    return dag_id


def _task_findings(api: AirflowApi, needs: AirflowNeeds) -> Iterator[Finding]:
    asked: dict[str, Any] = {}

    def task() -> str:
        asked.update(_run_probe(api, f"{needs.name}_check"))
        return f"ran on {asked['host']} as {asked['user']}"

    yield run_check("task", task)
    if asked:
        yield run_check("task clock", lambda: _checked_skew(asked["skew"], f"{asked['host']}'s"))
        yield from map(Finding.from_json, asked["findings"])


def _run_probe(api: AirflowApi, dag_id: str) -> dict[str, Any]:
    """Returns the JSON object that the probe printed, plus the `skew` of its clock in seconds."""
    started = time.time()
    run = api.ask(f"dags/{dag_id}/dagRuns", "POST", logical_date=None)["dag_run_id"]
    state = _wait(api, f"dags/{dag_id}/dagRuns/{run}")
    ended = time.time()
    if state != "success":
        log = f"see the log of task 'probe' of {dag_id}, run {run}"
        raise Problem(f"the probe ended with state '{state}'", log)
    entry = f"dags/{dag_id}/dagRuns/{run}/taskInstances/probe/xcomEntries/return_value"
    found = dict(api.ask(entry)["value"])
    early, late = min(0.0, found["time"] - started), max(0.0, found["time"] - ended)
    return {**found, "skew": early or late}


def _wait(api: AirflowApi, path: str) -> str:
    until = time.monotonic() + _PROBE_SECONDS
    while time.monotonic() < until:
        state = str(api.ask(path)["state"])
        if state in ("success", "failed"):
            return state
        time.sleep(1)
    return "running"


_CHECKS: tuple[Callable[[AirflowApi, AirflowNeeds], str], ...] = (
    health,
    clock,
    pool,
    dag,
    monitoring,
)
NAMES = ("pipeline", "airflow", *(look.__name__ for look in _CHECKS), "task")
