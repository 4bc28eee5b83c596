"""The names of a compiled package's tasks and parameters, and the bundle that they run."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

# The parameter that names the nodes to run even if their results are cached.
FORCE = "force"
# The trigger of an exit task.
_AT_THE_END = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass(frozen=True)
class Tasks:
    """The tasks of a package that run in pods.

    `nodes` are the ids of a task's nodes, by task; `report` is the exit task, and `others` are the
    remaining tasks. `bundle` is the name of the bundle's folder.
    """

    nodes: dict[str, tuple[str, ...]]
    others: tuple[str, ...]
    report: str
    bundle: str


def parameter_name(name: str) -> str:
    """Returns the name of a runtime parameter in Kubeflow."""
    return name.replace("-", "_")


def read_tasks(package: Path) -> Tasks:
    """Returns the tasks of a package that `beltline compile kubeflow` wrote."""
    with package.open(encoding="utf-8") as file:
        spec = next(iter(yaml.load_all(file, _Loader)))
    executors = spec["deploymentSpec"]["executors"]
    nodes, others, report, bundle = {}, [], "", ""
    for name, task in _tasks(spec):
        component = spec["components"][task["componentRef"]["name"]]
        if "executorLabel" not in component:
            continue
        words = [str(word) for word in _words(executors[component["executorLabel"]])]
        if task.get("triggerPolicy", {}).get("strategy") == _AT_THE_END:
            report = name
        elif "--node" in words:
            nodes[name] = tuple(_values(words, "--node"))
            bundle = Path(words[words.index("--bundle") + 1]).name
        else:
            others.append(name)
    return Tasks(nodes, tuple(others), report, bundle)


def _tasks(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (spec["root"], *spec["components"].values()):
        yield from part.get("dag", {}).get("tasks", {}).items()


def _values(words: list[str], option: str) -> Iterator[str]:
    return (value for word, value in pairwise(words) if word == option)


def _words(executor: dict[str, Any]) -> list[Any]:
    container = executor.get("container", {})
    return [*container.get("command", []), *container.get("args", [])]


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
