"""What `beltline check airflow` looks at: the site over REST, then what a task finds where it runs.

The second part is asked of a real task: the DAG file holds a small DAG `<name>_check` that runs
`beltline.runners.checks.probe` as the nodes run, in the same environment, container or pod, with
the same places.
"""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from beltline.pipeline.settings.reading import Project
from beltline.runners.airflow.api import Site
from beltline.runners.checks.finding import Finding, Problem, made
from beltline.runners.paths import Places

_VERSION = (3, 0)
_SKEW_SECONDS = 5.0
_PROBE_SECONDS = 180
_COMPONENTS = ("metadatabase", "scheduler", "dag_processor")


@dataclass(frozen=True)
class Wanted:
    """What the settings ask of the site: DAG, pool, and the most GPUs that one node takes.

    `watched` says whether the monitoring has a schedule.
    """

    name: str
    pool: str
    gpus: int
    watched: bool


def findings(project: Project, _: Places) -> Iterator[Finding]:
    """Makes every check; what a task finds comes last."""
    yield made("pipeline", functools.partial(_definition, project))
    settings = project.settings
    gpus = max((each.gpu for each in settings.resources.values()), default=0)
    watched = settings.airflow.monitoring_schedule is not None
    wanted = Wanted(settings.name, settings.airflow.gpu_pool, gpus, watched)
    yield from of_site(Site.from_environment(), wanted)


def _definition(project: Project) -> str:
    from beltline.pipeline import preflight

    preflight.check_definition(project)
    return "settings, schema and model code fit together"


def of_site(site: Site, wanted: Wanted) -> Iterator[Finding]:
    """Makes the checks of the site; all but the first need an Airflow that answers."""
    first = made("airflow", functools.partial(airflow, site, wanted))
    yield first
    if not first.ok:
        rest = ", ".join([look.__name__ for look in _SITE] + ["task"])
        yield Finding("rest", None, f"not checked, since it needs Airflow: {rest}")
        return
    for look in _SITE:
        yield made(look.__name__, functools.partial(look, site, wanted))
    yield from _of_task(site, wanted)


def airflow(site: Site, _: Wanted) -> str:
    """Checks that Airflow answers, and is one that the DAG file is written for."""
    version = str(site.ask("version")["version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _VERSION:
        raise Problem(f"Airflow {version}, but the DAG file needs 3.0", "install a later one")
    return f"Airflow {version} at {site.url}"


def health(site: Site, _: Wanted) -> str:
    """Checks that scheduler, DAG processor and database are alive."""
    found = site.ask("monitor/health")
    ill = [name for name in _COMPONENTS if (found.get(name) or {}).get("status") != "healthy"]
    if ill:
        raise Problem(f"not healthy: {', '.join(ill)}", "start it, and look into its log")
    return ", ".join(_COMPONENTS)


def clock(site: Site, _: Wanted) -> str:
    """Checks that the clocks agree: the logical date chooses the data."""
    answer = site.answer("version")
    theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    return _checked_skew(theirs - time.time(), "Airflow's")


def _checked_skew(seconds: float, whose: str) -> str:
    shown = f"{whose} clock is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(seconds) > _SKEW_SECONDS:
        raise Problem(shown, "set the clocks by NTP on every machine")
    return f"{whose} clock agrees"


def pool(site: Site, wanted: Wanted) -> str:
    """Checks the pool that holds back the nodes which ask for a GPU."""
    if not wanted.gpus:
        return "no node asks for a GPU"
    answer = site.answer(f"pools/{wanted.pool}")
    create = f"`airflow pools set {wanted.pool} {wanted.gpus} GPUs`"
    if answer.status_code == 404:
        raise Problem(f"no pool '{wanted.pool}'", f"make it: {create}")
    slots = int(site.ask(f"pools/{wanted.pool}")["slots"])
    if 0 <= slots < wanted.gpus:
        raise Problem(f"{slots} slots, a node asks for {wanted.gpus}", f"enlarge it: {create}")
    return f"{wanted.pool}: {slots} slots"


def dag(site: Site, wanted: Wanted) -> str:
    """Checks that the DAG is there, without import errors, and not paused."""
    broken = [
        each
        for each in site.ask("importErrors")["import_errors"]
        if f"/{wanted.name}/" in f"/{each['filename']}"
    ]
    if broken:
        raise Problem(str(broken[0]["stack_trace"]).strip().splitlines()[-1], "compile it again")
    return _may_run(site, wanted.name)


def monitoring(site: Site, wanted: Wanted) -> str:
    """Checks that the DAG of the monitoring is not paused, where the settings have a schedule."""
    return _may_run(site, f"{wanted.name}_monitor") if wanted.watched else "has no schedule"


def _may_run(site: Site, dag_id: str) -> str:
    if site.answer(f"dags/{dag_id}").status_code == 404:
        where = "`beltline compile airflow` into the DAG folder; the next parse finds it"
        raise Problem(f"no DAG '{dag_id}'", where)
    if site.ask(f"dags/{dag_id}")["is_paused"]:
        raise Problem(f"'{dag_id}' is paused", f"`airflow dags unpause {dag_id}`")
    return dag_id


def _of_task(site: Site, wanted: Wanted) -> Iterator[Finding]:
    asked: dict[str, Any] = {}

    def task() -> str:
        asked.update(_probed(site, f"{wanted.name}_check"))
        return f"ran on {asked['host']} as {asked['user']}"

    yield made("task", task)
    if asked:
        yield made("task clock", lambda: _checked_skew(asked["skew"], f"{asked['host']}'s"))
        yield from (Finding(**each) for each in asked["findings"])


def _probed(site: Site, dag_id: str) -> dict[str, Any]:
    """Returns what the probe printed, and how many seconds its clock is off."""
    started = time.time()
    run = site.ask(f"dags/{dag_id}/dagRuns", "POST", logical_date=None)["dag_run_id"]
    state = _waited(site, f"dags/{dag_id}/dagRuns/{run}")
    ended = time.time()
    if state != "success":
        log = f"look into the log of the task 'probe' of {dag_id}, run {run}"
        raise Problem(f"the probe ended as '{state}'", log)
    entry = f"dags/{dag_id}/dagRuns/{run}/taskInstances/probe/xcomEntries/return_value"
    found = dict(site.ask(entry)["value"])
    early, late = min(0.0, found["time"] - started), max(0.0, found["time"] - ended)
    return {**found, "skew": early or late}


def _waited(site: Site, path: str) -> str:
    until = time.monotonic() + _PROBE_SECONDS
    while time.monotonic() < until:
        state = str(site.ask(path)["state"])
        if state in ("success", "failed"):
            return state
        time.sleep(1)
    return "not ended"


_SITE: tuple[Callable[[Site, Wanted], str], ...] = (health, clock, pool, dag, monitoring)
NAMES = ("pipeline", "airflow", *(look.__name__ for look in _SITE), "task")
