"""How large a package may be, and how large one is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Kubeflow makes of a package one object of the cluster's. etcd takes 1.5 MiB, Argo 1 MiB, and the
# state of every node is in it too.
PACKAGE_BYTES = 1_000_000
# Linux takes no longer argument of a program, and counts the zero that ends it; Kubeflow's driver
# gets a container as one, and a component as another.
ARGUMENT_BYTES = 128 * 1024 - 1
# Argo gives a pod its template as one variable, which is held to the same limit, and has a part of
# the package in it twice. A larger one fits where Argo's controller may write ConfigMaps.
PART_BYTES = ARGUMENT_BYTES // 2
# Of a bundle within the package: the container that carries it has more to say.
BUNDLE_BYTES = 56 * 1024


@dataclass(frozen=True)
class Sizes:
    """Bytes of a package, and of the largest argument that it makes Kubeflow pass on.

    `task` is whose argument that is, by its label in the package.
    """

    package: int
    argument: int
    task: str


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
    return Sizes(len(text.encode()), _length(arguments[largest]), largest)


def _executors(pipeline: dict[str, Any]) -> dict[str, Any]:
    return dict(pipeline["deploymentSpec"]["executors"])


def _length(argument: Any) -> int:
    return len(json.dumps(argument, ensure_ascii=False).encode())
