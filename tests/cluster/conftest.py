"""The cluster that the tests share: the one that KUBECONFIG names, or one on this machine."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import images, node, prepare, programs
from tests.cluster.cluster import Cluster
from tests.cluster.node import ctr

# What `make test-cluster` sets, in namespaces of its own.
NAMESPACES = "BELTLINE_TEST_CLUSTER"


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


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    """The name of Beltline's image, which the node has."""
    if cluster.node is None:
        pytest.skip("the image is put on a node of this machine")
    ctr(cluster.node, "images", "import", prepare.image_archive())
    return prepare.IMAGE
