"""A cluster as the tests see it, whoever made it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.node import Node, ctr, kubectl


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

    def load(self, archive: Path) -> None:
        """Puts the images of an archive on the node; skips the test where it is another machine."""
        if self.node is None:
            pytest.skip("the image is put on a node of this machine")
        ctr(self.node, "images", "import", archive)
