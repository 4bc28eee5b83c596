"""The cluster that the tests share: the one that KUBECONFIG names, or one on this machine."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import airflow_process
from tests.airflow.deployed import Deployed
from tests.beltline_process import Beltline
from tests.cluster import dns, images, metrics, node, objects, prepare, programs
from tests.cluster.cluster import Cluster
from tests.cluster.node import ctr
from tests.cluster.pods import NAMESPACE, Pods
from tests.cluster.relay import relay, seen_by_pods
from tests.databases import Server
from tests.end_to_end.projects import casting

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
        metrics.start(made)
        dns.start(made)
        yield Cluster(made.kubeconfig, made)


@pytest.fixture(scope="session")
def image(cluster: Cluster) -> str:
    """The name of Beltline's image, which the node has."""
    cluster.load(prepare.archive("pipeline"))
    return prepare.VARIANTS["pipeline"]


@pytest.fixture(scope="session")
def serving_image(cluster: Cluster) -> str:
    """The name of the server's image, which the node has."""
    cluster.load(prepare.archive("serving"))
    return prepare.VARIANTS["serving"]


@pytest.fixture
def one_gpu(cluster: Cluster) -> Iterator[None]:
    """A GPU in the node's capacity; nothing is behind it."""
    if cluster.node is None:
        pytest.skip("the capacity of a node of this machine is changed")
    _set_gpus(cluster, "1")
    yield
    _set_gpus(cluster, None)


def _set_gpus(cluster: Cluster, count: str | None) -> None:
    gpus = {"nvidia.com/gpu": count}
    patch = json.dumps({"status": {"capacity": gpus, "allocatable": gpus}})
    words = ("--subresource=status", "--type=merge", "-p", patch)
    cluster("patch", "node", node.NODE, *words)


@pytest.fixture(scope="session")
def reached_postgresql(cluster: Cluster, postgresql: Server) -> Iterator[Server]:
    """A PostgreSQL server that pods reach at the node's address."""
    with relay(postgresql.port):
        yield postgresql


@pytest.fixture(scope="session")
def volume(cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder behind the claim `beltline`, in a namespace with the restricted standard."""
    folder = tmp_path_factory.mktemp("volume")
    made = [objects.namespace(NAMESPACE), objects.volume(NAMESPACE, folder)]
    cluster.apply(*made, objects.claim(NAMESPACE))
    return folder


@pytest.fixture(scope="session")
def pods(
    cluster: Cluster,
    image: str,
    volume: Path,
    reached_postgresql: Server,
    beltline: Beltline,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pods]:
    """The casting pipeline in an Airflow that starts pods."""
    metadata = reached_postgresql.database()
    seen = seen_by_pods(metadata)
    cluster.apply(objects.secret(NAMESPACE, "metadata", BELTLINE_METADATA=seen))
    project = casting(beltline, tmp_path_factory.mktemp("pods"), rows=2000)
    shutil.copy(project.folder / "casting.csv", volume)
    database = reached_postgresql.database().replace("postgresql:", "postgresql+psycopg2:")
    environment = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "KUBECONFIG": str(cluster.kubeconfig),
    }
    with airflow_process.running(environment) as airflow:
        yield Pods(cluster, Deployed(airflow, project, metadata), volume)


@pytest.fixture(scope="session")
def first(pods: Pods) -> str:
    """How the first whole run ended, as Airflow says."""
    pods.compile()
    return pods.deployed.run("first")
