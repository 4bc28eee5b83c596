"""How large a package may be, and how large one is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Kubeflow makes of a package one object of the cluster's, which may have 1.5 MiB and has the state
# of every node in it too.
PACKAGE_BYTES = 1_000_000
# Linux takes no longer argument of a program, and counts the zero that ends it; Kubeflow's driver
# gets a container as one, and a component as another.
ARGUMENT_BYTES = 128 * 1024 - 1
# Of a bundle within the package: its container has more to say, and JSON makes all of it longer.
BUNDLE_BYTES = 96 * 1024


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
