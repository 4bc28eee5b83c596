"""What a run does at the stub of Kubeflow: the states of its tasks over time, and their logs."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from beltline.runners.pods.log_line import log_line

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
WORKFLOW = "line-x7k2p"
TEMPLATE = "metadata-0-3-retry-system-container-impl"


@dataclass
class Play:
    """A run: `frames` are the states by task, a further one for each time that it is asked for.

    A task stays in the state that it was last in. `logs` are the texts of a task's tries; of one
    that isn't named there is none. `end` is the run's state after the last frame, `history` the
    states that it went through, `error` what Kubeflow says of its end.
    """

    frames: list[dict[str, str]]
    end: str = "SUCCEEDED"
    logs: dict[str, list[str]] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    error: str = ""
    seen: int = 0
    version: str = "2.17"

    def next(self, run: dict[str, Any]) -> dict[str, Any]:
        """Returns the run as the API shows it now."""
        self.seen = min(self.seen + 1, len(self.frames))
        over = self.seen == len(self.frames)
        states = self.states()
        answer = {
            **run,
            "state": self.end if over else "RUNNING",
            "state_history": [{"state": each} for each in self.history],
            "run_details": {"task_details": _details(run["run_id"], states)},
        }
        if over and self.error:
            answer["error"] = {"code": 13, "message": self.error}
        return answer

    def states(self) -> dict[str, str]:
        """The states by task as they are now, in the order in which the tasks began."""
        found: dict[str, str] = {}
        for frame in self.frames[: self.seen]:
            found |= frame
        return found

    def workflow(self) -> dict[str, Any]:
        """The Argo workflow, as Kubeflow's first API shows it."""
        nodes: dict[str, Any] = {}
        # What 2.17 adds, where all templates have a retry strategy.
        one = "(0)" if self.version >= "2.17" else ""
        for number, (task, state) in enumerate(self.states().items()):
            tries = max(len(self.logs.get(task, [])), 1)
            path = f"{WORKFLOW}.root{one}.exit-handler-1{one}.{task}"
            if task == "report":
                path = f"{WORKFLOW}.root{one}.exit-handler-1{one}.onExit{one}.report"
            driver = f"{path}-driver"
            if one:
                _add(nodes, driver, "Retry", "system-container-driver", "Succeeded", number)
                _add(nodes, path, "Retry", "retry-executor", state.title(), number)
            path += one
            _add(nodes, driver + one, "Pod", "system-container-driver", "Succeeded", number)
            _add(nodes, path, "DAG", "retry-system-container-executor", state.title(), number)
            _add(nodes, f"{path}.executor", "Retry", TEMPLATE, state.title(), number)
            for attempt in range(tries):
                last = attempt == tries - 1
                phase = state.title() if last else "Failed"
                _add(nodes, f"{path}.executor({attempt})", "Pod", TEMPLATE, phase, number + attempt)
        return {"metadata": {"name": WORKFLOW}, "status": {"nodes": nodes}}

    def log(self, pod: str) -> str | None:
        """The log of a pod, None if there is no such pod, or none of it."""
        for node in self.workflow()["status"]["nodes"].values():
            name = f"{WORKFLOW}-{node['templateName']}-{node['id'].rpartition('-')[2]}"
            path, _, attempt = node["name"].partition(".executor(")
            if node["type"] == "Pod" and name == pod and attempt:
                texts = self.logs.get(path.rpartition(".")[2].removesuffix("(0)"))
                return texts[int(attempt.rstrip(")"))] if texts else None
        return None


def _details(run: str, states: dict[str, str]) -> list[dict[str, Any]]:
    """What the API says of the tasks: Argo's nodes, drivers and executors of the same name too."""
    found = []
    for number, (task, state) in enumerate(states.items()):
        begun = START + timedelta(minutes=number)
        ended = begun + timedelta(seconds=10 + number) if state not in ("RUNNING", "PENDING") else 0
        for name, of in ((f"{task}-driver", "SUCCEEDED"), (task, state), ("executor", state)):
            found.append(
                {
                    "run_id": run,
                    "task_id": f"{number}-{name}",
                    "display_name": name,
                    "state": of,
                    "create_time": START.isoformat(),
                    "start_time": begun.isoformat(),
                    "end_time": (ended or datetime.fromtimestamp(0, UTC)).isoformat(),
                    "child_tasks": [{"pod_name": f"{WORKFLOW}-{number}"}],
                }
            )
    return found


def _add(
    nodes: dict[str, Any], name: str, kind: str, template: str, phase: str, minute: int
) -> None:
    begun = (START + timedelta(minutes=minute)).isoformat()
    identity = f"{WORKFLOW}-{len(nodes) + 1000}"
    nodes[identity] = {
        "id": identity,
        "name": name,
        "displayName": name.rpartition(".")[2],
        "type": kind,
        "templateName": template,
        "phase": phase,
        "startedAt": begun,
    }


def log(*results: str) -> str:
    """A pod's log: what Kubeflow's launcher writes, with the node's results in between."""
    lines = ["I1124 02:00:01 launcher_v2.go:187] started", "{not JSON", '{"some": "other"}']
    lines += map(log_line, results)
    return "\n".join([*lines, '{"executor": "done"}', "I1124 02:00:09 published"]) + "\n"


def archived(log: str) -> str:
    """What Kubeflow's API server returns of a log in its archive (seen with 2.17)."""
    return "".join(f"{_plain(line)}\n" for line in log.splitlines())


def _plain(line: str) -> str:
    try:
        found = json.loads(line)
    except ValueError:
        return line
    return str(found.get("log", "")) if isinstance(found, dict) else line
