"""What every executor of nodes shares: the deployment, environment, values and commands.

Beside `dag.py` in the folder that Airflow loads; see there.
"""

import ctypes
import json
import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowFailException

Context = Any
Environment = dict[str, str]

# The node runner's exit codes.
WRONG_OPTIONS, SKIPPED = 2, 99
# A node that gets SIGTERM has this long to mark its execution as failed.
GRACE_SECONDS = 20
ALL = "all"
# Not nodes, but run like nodes: the probe of `beltline check`, the monitoring, what writes the
# report of the run and tells other tools of it, and what carries out the answer of the task that
# asks for approval.
PROBE, MONITOR, TRACK, DECIDE = "probe", "Monitor", "Track", "Decide"
APPROVAL = "Approval"
MANIFEST = "manifest.json"

# The runtime parameters that are spans, and the section of the settings that each belongs to.
SPAN, SPANS = "span", {"span": "data", "predict-span": "predict"}

# Templates: the run's id, and the monitoring section, which may contain any text.
RUN, WATCH = "{{ run_id }}", "{{ watch }}"

# Options of the command that carries out an answer, and the templates of their values, which may
# contain any text.
ANSWER = {
    name: f"{{{{ ti.xcom_pull(task_ids='{APPROVAL}')['{name}'] }}}}"
    for name in ("version", "verdict", "by", "note")
}

METADATA, DATABASE = "BELTLINE_METADATA", "BELTLINE_DATABASE"
# What a worker's environment may hold for the tools that are told of a run.
TOOL_SECRETS = (
    "BELTLINE_WEBHOOK",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "OPENLINEAGE_API_KEY",
)
_CONNECTIONS = {METADATA: "metadata_connection", DATABASE: "database_connection"}
_SCHEMES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}

_DEATH_SIGNAL = 1
_libc = ctypes.CDLL(None)

log = logging.getLogger("beltline.airflow")


@dataclass(frozen=True)
class Deployment:
    """The compiled deployment: the bundle, its manifest, two sections of the settings, and all.

    `bundle` is the bundle's folder where the nodes run. `tasks` are what becomes a task each: a
    node, or nodes that share a pod.
    """

    bundle: Path
    manifest: dict[str, Any]
    tasks: list[dict[str, Any]]
    airflow: dict[str, Any]
    monitoring: dict[str, Any]
    settings: str

    @classmethod
    def read(cls, folder: Path) -> "Deployment":
        """Reads `deployment.json` in `folder` and the manifest of the bundle that it names."""
        written = json.loads((folder / "deployment.json").read_text())
        manifest = json.loads((folder / "bundles" / written["bundle"] / MANIFEST).read_text())
        bundles = Path(written["airflow"]["bundles"] or folder / "bundles")
        bundle = bundles / written["bundle"]
        sections = (written["airflow"], written["monitoring"])
        return cls(bundle, manifest, written["tasks"], *sections, written["settings"])

    @property
    def name(self) -> str:
        """The pipeline's name, which is the DAG's id."""
        return str(self.manifest["name"])

    @property
    def python(self) -> str:
        """The Python of the pipeline's environment; in an image, the one on its path."""
        environment = self.airflow["environment"]
        return f"{environment}/bin/python" if environment else "python"

    @property
    def start_date(self) -> datetime:
        """The first day of the schedules, in their time zone."""
        start = datetime.fromisoformat(self.airflow["start_date"])
        return start.replace(tzinfo=ZoneInfo(self.airflow["timezone"]))

    @property
    def served(self) -> str:
        """The folder of the served versions, relative to the root."""
        return f"{self.manifest['push']}/{self.name}"

    @property
    def requires_approval(self) -> bool:
        """Whether a version waits until a person has approved it."""
        push = json.loads(self.settings).get("push", {})
        return bool(push.get("approval") == "required")

    @property
    def has_query(self) -> bool:
        """Whether a node reads rows from a query, not from files."""
        sections = json.loads(self.settings)
        return any(sections.get(section, {}).get("query") for section in SPANS.values())

    def environment(self) -> Environment:
        """Returns the variables of the root, the data, and the databases of the connections."""
        found = {"BELTLINE_ROOT": self.airflow["root"], "BELTLINE_DATA": self.airflow["data"]}
        found |= self.airflow["variables"]
        for variable, key in _CONNECTIONS.items():
            connection = self.airflow[key]
            if connection:
                found[variable] = _url(Connection.get(connection))
        return found

    def reconcile_command(self, nodes: Sequence[str], context: Context, reason: str) -> list[str]:
        """Returns the command that reconciles ML Metadata for a task's nodes."""
        return [
            self.python,
            "-m",
            "beltline.runners.metadata.reconcile",
            *("--bundle", str(self.bundle), *_named(nodes)),
            *("--run", context["run_id"], "--reason", reason),
        ]

    def task_of(self, node: str) -> str:
        """Returns the id of the task that runs a node."""
        [found] = [task["id"] for task in self.tasks if node in task["nodes"]]
        return str(found)

    def span(self, dag_run: Any, params: Mapping[str, Any], name: str = SPAN) -> str:
        """Returns a span of a run: the parameter, else the run's day if the rows have days."""
        default = str(self.manifest["parameters"][name]["default"])
        given = params[key(name)]
        path = params.get("data_path") if name == SPAN else self._path(SPANS[name])
        if path is None:
            # A query has no path. Its spans are days, unless the settings name a number.
            path = "" if default.isdecimal() else "{YYYY}"
        if given or not ("{YYYY}" in path and dag_run.logical_date):
            return str(given or default)
        local = dag_run.logical_date.astimezone(ZoneInfo(self.airflow["timezone"]))
        return str(local.date() - timedelta(days=self.airflow["span_days_back"]))

    def _path(self, section: str) -> str | None:
        path: str | None = json.loads(self.settings)[section].get("path")
        return path


def _url(connection: Connection) -> str:
    """Returns a connection as a URL that Beltline reads."""
    if connection.conn_type == "sqlite":
        return f"sqlite:///{connection.host}"
    scheme = _SCHEMES.get(connection.conn_type)
    if scheme is None:
        raise AirflowFailException(
            f"connection {connection.conn_id}: its type is {connection.conn_type}; "
            "Beltline needs postgres, mysql or sqlite"
        )
    user = f"{quote(connection.login or '', '')}:{quote(connection.password or '', '')}"
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme}://{user}@{connection.host}{port}/{connection.schema}"


def key(parameter: str) -> str:
    """Returns the name of a runtime parameter in Airflow's form and templates."""
    return parameter.replace("-", "_")


def template(parameter: str) -> str:
    """Returns the template of a runtime parameter's value in a run."""
    if parameter in SPANS:
        return f"{{{{ span(dag_run, params, '{parameter}') }}}}"
    return f"{{{{ params.{key(parameter)} }}}}"


def node_command(deployment: Deployment, node: str) -> list[str]:
    """Returns the command that runs a node, as templates, without `--force`."""
    bundle = ["--bundle", str(deployment.bundle)]
    if node == PROBE:
        return [deployment.python, "-m", "beltline.runners.checks.probe", *bundle]
    if node == MONITOR:
        pause = str(deployment.airflow["retrain_pause_hours"])
        command = [
            deployment.python,
            "-m",
            "beltline.runners.monitor",
            "--served",
            deployment.served,
        ]
        return [*command, "--watch", WATCH, "--pause-hours", pause, "--run", RUN]
    if node == TRACK:
        return [deployment.python, "-m", "beltline.runners.tracking", *bundle, "--run", RUN]
    if node == DECIDE:
        given = [word for name, text in ANSWER.items() for word in (f"--{name}", text)]
        return [deployment.python, "-m", "beltline.runners.approval", *bundle, "--run", RUN, *given]
    command = [deployment.python, "-m", "beltline.runners.node", *bundle]
    return [*command, "--node", node, "--run", RUN, *_parameters(deployment)]


def group_command(deployment: Deployment, nodes: Sequence[str]) -> list[str]:
    """Returns the command that runs nodes in one pod, as templates, without `--force`."""
    command = [deployment.python, "-m", "beltline.runners.pods.task"]
    command += ["--bundle", str(deployment.bundle), *_named(nodes)]
    limit = deployment.airflow["timeout_minutes"] * 60
    return [*command, "--limit", str(limit), "--run", RUN, *_parameters(deployment)]


def _named(nodes: Sequence[str]) -> list[str]:
    return [word for node in nodes for word in ("--node", node)]


def _parameters(deployment: Deployment) -> list[str]:
    values = [f"{name}={template(name)}" for name in deployment.manifest["parameters"]]
    return [word for value in values for word in ("--param", value)]


def forced(params: Mapping[str, Any], node: str) -> bool:
    """Returns whether to run a node even if its result is cached."""
    again = params.get("force", ())
    return node in again or (ALL in again and node not in (TRACK, DECIDE))


def end_with_parent() -> None:
    """Asks the kernel for SIGTERM when the parent ends, even by SIGKILL (Linux, prctl(2)).

    Airflow then calls the `on_kill` of a task whose supervisor has been killed.
    """
    _libc.prctl(_DEATH_SIGNAL, signal.SIGTERM)


def without_secrets(environment: Environment) -> Environment:
    """Returns the environment without Airflow's configuration, which may contain passwords."""
    secret = ("AIRFLOW__", "_AIRFLOW_", "AIRFLOW_CONN_", "AIRFLOW_VAR_")
    return {name: text for name, text in environment.items() if not name.startswith(secret)}


def reconcile_after_failure(context: Context) -> None:
    """Reconciles ML Metadata after a failure; runs in the DAG processor if the task was killed."""
    try:
        error = context.get("exception")
        context["task"].reconcile(context, str(error or "its process was killed"))
    except Exception:
        log.exception("the node's execution in ML Metadata may still be running")
