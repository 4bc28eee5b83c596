"""Airflow as its REST API shows it: the way the UI, and any other program, drives it."""

import json
import time
from pathlib import Path
from typing import Any

import requests

ENDED = ("success", "failed")


class Rest:
    """Calls Airflow's REST API as its user `admin`."""

    def __init__(self, address: str, passwords: Path):
        self._address = address
        self._passwords = passwords
        self._session = requests.Session()
        self._session.trust_env = False

    def login(self) -> str:
        """Returns the address with user and password, as `BELTLINE_AIRFLOW` takes it."""
        user, password = self._user()
        return self._address.replace("://", f"://{user}:{password}@")

    def healthy(self) -> bool:
        """Whether the API server answers, and every component has given a sign of life."""
        try:
            answer = self._session.get(f"{self._address}/api/v2/monitor/health", timeout=10)
            return all(part["status"] == "healthy" for part in answer.json().values())
        except (requests.RequestException, ValueError):
            return False

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """Returns the answer, whatever it says."""
        if "Authorization" not in self._session.headers:
            self._log_in()
        return self._session.request(
            method, f"{self._address}/api/v2/{path}", json=body, params=query, timeout=60
        )

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Returns the answer's JSON; anything but a success is an error of the test."""
        answer = self.ask(method, path, body, **query)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def trigger(self, dag: str, run: str, conf: Any = None, date: str | None = None) -> str:
        """Starts a run and returns its id; `date` is the logical date, in ISO format."""
        body = {"dag_run_id": run, "logical_date": date, "conf": conf or {}}
        return str(self.call("POST", f"dags/{dag}/dagRuns", body)["dag_run_id"])

    def state(self, dag: str, run: str) -> str:
        """Returns the state of a run."""
        return str(self.call("GET", f"dags/{dag}/dagRuns/{run}")["state"])

    def wait(self, dag: str, run: str, seconds: float = 240) -> str:
        """Waits for the end of a run and returns its state."""
        deadline = time.monotonic() + seconds
        while (state := self.state(dag, run)) not in ENDED:
            assert time.monotonic() < deadline, f"{run}: {state}, {self.tasks(dag, run)}"
            time.sleep(0.5)
        return state

    def instances(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """Returns what Airflow says of each task of a run, by the task's id."""
        found = self.call("GET", f"dags/{dag}/dagRuns/{run}/taskInstances", limit=100)
        return {each["task_id"]: each for each in found["task_instances"]}

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        """Returns the state of each task of a run."""
        return {task: each["state"] for task, each in self.instances(dag, run).items()}

    def wait_for_task(
        self, dag: str, run: str, task: str, *states: str, seconds: float = 120
    ) -> str:
        """Waits until a task is in one of these states, and returns it."""
        deadline = time.monotonic() + seconds
        while (state := self.tasks(dag, run).get(task, "")) not in states:
            assert time.monotonic() < deadline, f"{task} is {state}, not {' or '.join(states)}"
            time.sleep(0.2)
        return state

    def logs(self, dag: str, run: str, task: str, attempt: int = 1) -> list[dict[str, Any]]:
        """Returns the lines of a task's log, each with its `event` and, mostly, its `level`."""
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        return list(self.call("GET", path)["content"])

    def text(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """Returns a task's log as text."""
        return "\n".join(str(line["event"]) for line in self.logs(dag, run, task, attempt))

    def result(self, dag: str, run: str, task: str) -> Any:
        """Returns what a task has left for others: the node's JSON."""
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        value = self.call("GET", path)["value"]
        return json.loads(value) if isinstance(value, str) else value

    def clear(self, dag: str, run: str, *tasks: str, only_failed: bool = False) -> None:
        """Clears tasks and what follows them, as the UI's button does."""
        body = {
            "dag_run_id": run,
            "task_ids": list(tasks),
            "dry_run": False,
            "only_failed": only_failed,
            "include_downstream": True,
        }
        self.call("POST", f"dags/{dag}/clearTaskInstances", body)

    def mark(self, dag: str, run: str, task: str, state: str = "failed") -> None:
        """Marks a task, as the UI's button does."""
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}"
        self.call("PATCH", path, {"new_state": state})

    def end(self, dag: str, run: str) -> None:
        """Marks a run as failed, which stops what is left of it."""
        self.call("PATCH", f"dags/{dag}/dagRuns/{run}", {"state": "failed"})

    def answer(self, dag: str, run: str, task: str, option: str, **typed: str) -> None:
        """Answers a task that waits for a person, as the UI's form does."""
        path = f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        self.call("PATCH", path, {"chosen_options": [option], "params_input": typed})

    def pause(self, dag: str, paused: bool = True) -> None:
        """Pauses a DAG, or lets it go on."""
        self.call("PATCH", f"dags/{dag}", {"is_paused": paused})

    def slots(self, pool: str) -> int:
        """Returns how many slots a pool has."""
        return int(self.call("GET", f"pools/{pool}")["slots"])

    def asset_events(self, uri: str) -> list[dict[str, Any]]:
        """Returns the events of an Asset, oldest first."""
        assets = self.call("GET", "assets", uri_pattern=uri)["assets"]
        events = [
            event
            for asset in assets
            if asset["uri"] == uri
            for event in self.call("GET", "assets/events", asset_id=asset["id"])["asset_events"]
        ]
        return sorted(events, key=lambda event: str(event["timestamp"]))

    def parsed(self, dag: str) -> str:
        """Returns when a DAG was parsed last; empty if there is no such DAG yet."""
        answer = self.ask("GET", f"dags/{dag}")
        return str(answer.json()["last_parsed_time"]) if answer.ok else ""

    def wait_until_parsed(self, dag: str, after: str = "", seconds: float = 60) -> None:
        """Waits until a DAG has been parsed later than `after`, a time that `parsed` returned."""
        deadline = time.monotonic() + seconds
        while self.parsed(dag) <= after:
            broken = [each["stack_trace"] for each in self._import_errors() if _is_of(each, dag)]
            assert not broken, broken[0]
            assert time.monotonic() < deadline, f"{dag} has not been parsed for {seconds} s"
            time.sleep(0.5)

    def wait_until_all_parse(self, seconds: float = 60) -> None:
        """Waits until Airflow has no import error of any file."""
        deadline = time.monotonic() + seconds
        while broken := self._import_errors():
            assert time.monotonic() < deadline, broken[0]["stack_trace"]
            time.sleep(0.5)

    def _import_errors(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "importErrors")["import_errors"])

    def _log_in(self) -> None:
        user, password = self._user()
        body = {"username": user, "password": password}
        answer = self._session.post(f"{self._address}/auth/token", json=body, timeout=30)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _user(self) -> tuple[str, str]:
        [(user, password)] = json.loads(self._passwords.read_text()).items()
        return user, password


def _is_of(error: dict[str, Any], dag: str) -> bool:
    """Returns whether the file of an import error is a DAG's own, or in the DAG's own folder.

    Of a file that was just removed, an error may come after all others have gone.
    """
    return dag in Path(error["filename"]).with_suffix("").parts
