"""A cluster as the tests see it, whoever made it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.node import Node, kubectl


@dataclass(frozen=True)
class Cluster:
    """A cluster; `node` is None where it is somebody else's."""

    kubeconfig: Path
    node: Node | None = None

    def __call__(self, *words: str | Path, given: str = "") -> str:
        """Runs kubectl, which must succeed; returns what it printed."""
        return kubectl(self.kubeconfig, *words, given=given)

    def apply(self, *objects: Any) -> None:
        """Makes these objects, or changes them."""
        self("apply", "-f", "-", given=yaml.safe_dump_all(objects))
