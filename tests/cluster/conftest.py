"""The cluster that the tests share: the one that KUBECONFIG names, or one on this machine."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import images, node, programs
from tests.cluster.node import Node, ctr, kubectl

# What `make test-cluster` sets, in namespaces of its own.
NAMESPACES = "BELTLINE_TEST_CLUSTER"


@dataclass(frozen=True)
class Cluster:
    """A cluster; `node` is None where it is somebody else's."""

    kubeconfig: Path
    node: Node | None = None

    def __call__(self, *words: str | Path, given: str = "") -> str:
        """Runs kubectl, which must succeed; returns what it printed."""
        return kubectl(self.kubeconfig, *words, given=given)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with a ready node."""
    if given := os.environ.get("KUBECONFIG"):
        yield Cluster(Path(given))
        return
    if NAMESPACES not in os.environ:
        pytest.skip("a cluster is started by `make test-cluster`; or set KUBECONFIG to one")
    if why := programs.missing():
        pytest.skip(why)
    built = programs.programs()
    with (
        tempfile.TemporaryDirectory(prefix="beltline-cluster-") as folder,
        node.node(Path(folder), built) as made,
    ):
        pause = Path(folder) / "pause.tar"
        images.archive(pause, "beltline.test/pause:1", {"/pause": built.pause}, ["/pause"])
        ctr(made, "images", "import", pause)
        yield Cluster(made.kubeconfig, made)
