"""What every executor of nodes shares: environment, values, log, and the meaning of exit codes.

Beside `dag.py` in the folder that Airflow loads; see there.
"""

import ctypes
import json
import logging
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

Context = Any
Environment = dict[str, str]

# The node runner's exit codes.
WRONG_OPTIONS, SKIPPED = 2, 99
# A node that gets SIGTERM has this long to mark its execution as failed.
GRACE_SECONDS = 20
ALL = "all"
# Not nodes, but run like nodes: the probe of `beltline check`, and the monitoring.
PROBE, MONITOR = "probe", "Monitor"
MANIFEST = "manifest.json"

# Templates: the run's id, and the monitoring section, which may contain any text.
RUN, WATCH = "{{ run_id }}", "{{ watch }}"

METADATA, DATABASE = "BELTLINE_METADATA", "BELTLINE_DATABASE"
_CONNECTIONS = {METADATA: "metadata_connection", DATABASE: "database_connection"}
_SCHEMES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}
_RECORD = re.compile(r"[\d-]{10} [\d:,]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ([^\s:]+): (.*)")

_DEATH_SIGNAL = 1
_libc = ctypes.CDLL(None)

log = logging.getLogger("beltline.airflow")


@dataclass(frozen=True)
class Deployment:
    """The compiled deployment: the bundle, its manifest, two sections of the settings, and all.

    `bundle` is the bundle's folder where the nodes run.
    """

    bundle: Path
    manifest: dict[str, Any]
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
        return cls(bundle, manifest, *sections, written["settings"])

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
    def has_query(self) -> bool:
        """Whether the data comes from a query, not from files."""
        return bool(json.loads(self.settings).get("data", {}).get("query"))

    def environment(self) -> Environment:
        """Returns the variables of the root, the data, and the databases of the connections."""
        found = {"BELTLINE_ROOT": self.airflow["root"], "BELTLINE_DATA": self.airflow["data"]}
        for variable, key in _CONNECTIONS.items():
            connection = self.airflow[key]
            if connection:
                found[variable] = _url(Connection.get(connection))
        return found

    def reconcile_command(self, context: Context, reason: str) -> list[str]:
        """Returns the command that reconciles ML Metadata for a task's node."""
        what = ["--node", context["task"].task_id, "--run", context["run_id"], "--reason", reason]
        return [
            self.python,
            "-m",
            "beltline.runners.metadata.reconcile",
            "--bundle",
            str(self.bundle),
            *what,
        ]

    def span(self, dag_run: Any, params: Mapping[str, Any]) -> str:
        """Returns the span of a run: the parameter, else the run's day if the data has days."""
        default = str(self.manifest["parameters"]["span"]["default"])
        # A query has no path. Its spans are days, unless the settings name a number.
        path = params.get("data_path", "" if default.isdecimal() else "{YYYY}")
        if params["span"] or not ("{YYYY}" in path and dag_run.logical_date):
            return str(params["span"] or default)
        local = dag_run.logical_date.astimezone(ZoneInfo(self.airflow["timezone"]))
        return str(local.date() - timedelta(days=self.airflow["span_days_back"]))


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
    name = key(parameter)
    return "{{ span(dag_run, params) }}" if name == "span" else f"{{{{ params.{name} }}}}"


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
    command = [deployment.python, "-m", "beltline.runners.node", *bundle]
    command += ["--node", node, "--run", RUN]
    for name in deployment.manifest["parameters"]:
        command += ["--param", f"{name}={template(name)}"]
    return command


def forced(params: Mapping[str, Any], node: str) -> bool:
    """Returns whether to run a node even if its result is cached."""
    again = params.get("force", ())
    return node in again or ALL in again


class NodeLog:
    """Logs a node's lines at their own levels, and keeps the result in the last one."""

    def __init__(self) -> None:
        self.result: dict[str, Any] = {}
        self._logger, self._level = log, logging.INFO

    def take(self, line: str) -> None:
        """Logs one line; a line that starts no record continues the previous one."""
        record = _RECORD.fullmatch(line)
        if record:
            self._level = getattr(logging, record[1])
            self._logger, line = logging.getLogger(record[2]), record[3]
        elif line.startswith('{"') and self._is_result(line):
            log.debug("%s", line)
            return
        self._logger.log(self._level, "%s", line)

    def _is_result(self, line: str) -> bool:
        try:
            read = json.loads(line)
        except ValueError:
            return False
        if {"node", "state"} <= read.keys():
            self.result = read
        return bool(self.result is read)


def end_with_parent() -> None:
    """Asks the kernel for SIGTERM when the parent ends, even by SIGKILL (Linux, prctl(2)).

    Airflow then calls the `on_kill` of a task whose supervisor has been killed.
    """
    _libc.prctl(_DEATH_SIGNAL, signal.SIGTERM)


def conclude(exit_code: int, result: dict[str, Any]) -> dict[str, Any]:
    """Returns the node's result, or raises the exception of the task's state.

    Raises:
      AirflowSkipException: the node was skipped.
      AirflowFailException: a retry would end the same way.
      AirflowException: the node failed.
    """
    reason = result.get("reason") or _exit_reason(exit_code)
    refused = result.get("state") == "refused"
    if exit_code == SKIPPED:
        raise AirflowSkipException(reason)
    if exit_code == WRONG_OPTIONS or (exit_code and refused):
        raise AirflowFailException(reason)
    if exit_code:
        raise AirflowException(reason)
    if not result:
        log.warning("the node succeeded, but its log has no result")
    if refused:
        log.warning("%s refused; nothing is pushed: %s", result["node"], reason)
    return result


def _exit_reason(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL or exit_code == 128 + signal.SIGKILL:
        return "the node was killed (SIGKILL); the machine may have run out of memory"
    return f"the node ended with exit code {exit_code}; see its log"


def announce(context: Context, asset: Asset, result: dict[str, Any]) -> None:
    """Adds the pushed version to the asset event, if it is known."""
    if not result:
        return
    [pushed] = result["outputs"]["pushed_model"]
    context["outlet_events"][asset].extra = {
        "version": pushed["properties"].get("pushed_version", ""),
        "destination": pushed["properties"].get("pushed_destination", ""),
        "model_uri": pushed["uri"],
        "run": context["run_id"],
    }


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
