"""The size limits of a package, and its sizes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# A package becomes one Kubernetes object. etcd allows 1.5 MiB, Argo 1 MiB, and the object also has
# the state of every node.
PACKAGE_BYTES = 1_000_000
# Linux limits one argument of a program to this, with its terminating zero. Kubeflow's driver gets
# a container as one argument, and a component as another.
ARGUMENT_BYTES = 128 * 1024 - 1
# Argo passes a pod's template in one environment variable, which has the same limit and contains a
# part of the package twice. A larger part needs an Argo controller that may write ConfigMaps.
PART_BYTES = ARGUMENT_BYTES // 2
# Argo compresses the object of a run above this, and Kubeflow can't read it then. At the end of a
# run of 13 tasks it had 970,149 bytes, of which eight times the bundle were 445,000 (2.17.0).
RUN_BYTES = 1024 * 1024
_TASK_BYTES, _COPIES = 40_000, 8
# Of a bundle in the package: the container that carries it has other fields too.
BUNDLE_BYTES = 56 * 1024


@dataclass(frozen=True)
class Sizes:
    """The bytes of a package, of its largest argument, and of a run's object at its end.

    `task` is the label of the argument; the last one is an estimate.
    """

    package: int
    argument: int
    task: str
    run: int


def sizes(file: Path) -> Sizes:
    """Returns the sizes of a compiled package."""
    text = file.read_text(encoding="utf-8")
    pipeline, platform = yaml.load_all(text, Loader=yaml.CSafeLoader)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    arguments = {
        "root": pipeline["root"],
        **pipeline["components"],
        **{label: each["container"] for label, each in _executors(pipeline).items()},
        **{f"{label} (kubernetes)": each for label, each in executors.items()},
    }
    largest = max(arguments, key=lambda label: _length(arguments[label]))
    run = _TASK_BYTES * len(executors) + _COPIES * _bundle_length(pipeline)
    return Sizes(len(text.encode()), _length(arguments[largest]), largest, run)


def _bundle_length(pipeline: dict[str, Any]) -> int:
    unpack = _executors(pipeline).get("exec-unpack")
    return len(unpack["container"]["args"][-1]) if unpack else 0


def _executors(pipeline: dict[str, Any]) -> dict[str, Any]:
    return dict(pipeline["deploymentSpec"]["executors"])


def _length(argument: Any) -> int:
    return len(json.dumps(argument, ensure_ascii=False).encode())
