"""The real scheduler of Airflow, whose nodes are pods of a real Kubernetes."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests import airflow_process
from tests.airflow.deployed import Deployed
from tests.beltline_process import Beltline
from tests.cluster.cluster import Cluster
from tests.cluster.node import ADDRESS
from tests.cluster.prepare import IMAGE
from tests.cluster.relay import relay
from tests.databases import Server
from tests.end_to_end.projects import NODES, casting

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

NAMESPACE = "ml"


@dataclass
class Pods:
    """A pipeline in Airflow, its nodes in pods of the namespace `ml`."""

    cluster: Cluster
    deployed: Deployed
    volume: Path

    def compile(self, *changes: str, **chosen: object) -> None:
        """Compiles the pipeline, with the bundle on the volume as docs/airflow.md asks for."""
        pods = json.dumps({**CHOSEN, **chosen})
        settings = [*SETTINGS, f"airflow.kubernetes={pods}", *changes]
        self.deployed.compile(*(word for each in settings for word in ("--set", each)))
        bundles = self.deployed.airflow.dags / "casting" / "bundles"
        shutil.copytree(bundles, self.volume / "bundles", dirs_exist_ok=True)

    def run(self, run: str, **conf: object) -> dict[str, str]:
        """Runs the pipeline to its end, and returns the state of each task."""
        self.deployed.run(run, conf)
        return self.deployed.tasks(run)

    def log(self, run: str, node: str) -> str:
        """Returns the log of a node's last attempt."""
        rest = self.deployed.airflow.rest
        attempt = rest.instances("casting", run)[node]["try_number"]
        return rest.text("casting", run, node, attempt)

    def of(self, node: str) -> list[str]:
        """Returns the names of the pods of a node."""
        words = ("get", "pods", "-n", NAMESPACE, "-l", f"beltline/task={node}", "-o", "name")
        return self.cluster(*words).split()

    def wait_for(self, node: str, seconds: float = 120) -> str:
        """Waits for the pod of a node to run, and returns its name."""
        end = time.monotonic() + seconds
        while True:
            for name in self.of(node):
                phase = self.cluster("get", "-n", NAMESPACE, name, "-o", "jsonpath={.status.phase}")
                if phase == "Running":
                    return name
            assert time.monotonic() < end, f"no pod of {node} runs"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def volume(cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder behind the claim `beltline`, in a namespace with the restricted standard."""
    folder = tmp_path_factory.mktemp("volume")
    # Every user comes to it, as to a volume whose group is the pods'.
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o777)
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "beltline"},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "hostPath": {"path": str(folder)},
                "claimRef": {"namespace": NAMESPACE, "name": "beltline"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "beltline", "namespace": NAMESPACE},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "resources": {"requests": {"storage": "10Gi"}},
            },
        },
    ]
    cluster("apply", "-f", "-", given=yaml.safe_dump_all(objects))
    return folder


@pytest.fixture(scope="module")
def pods(
    cluster: Cluster,
    image: str,
    volume: Path,
    postgresql: Server,
    beltline: Beltline,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pods]:
    """The casting pipeline in an Airflow that starts pods; its first run has ended."""
    metadata = postgresql.database()
    seen = metadata.replace("127.0.0.1", ADDRESS)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "metadata", "namespace": NAMESPACE},
        "stringData": {"BELTLINE_METADATA": seen},
    }
    cluster("apply", "-f", "-", given=yaml.safe_dump(secret))
    project = casting(beltline, tmp_path_factory.mktemp("pods"), rows=2000)
    shutil.copy(project.folder / "casting.csv", volume)
    database = postgresql.database().replace("postgresql:", "postgresql+psycopg2:")
    environment = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "KUBECONFIG": str(cluster.kubeconfig),
    }
    with (
        relay(ADDRESS, postgresql.port),
        airflow_process.running(environment) as airflow,
    ):
        yield Pods(cluster, Deployed(airflow, project, metadata), volume)


CHOSEN = {
    "image": IMAGE,
    "image_pull_policy": "Never",
    "namespace": NAMESPACE,
    "volume_claim": "beltline",
    "secret": "metadata",
}
SETTINGS = ("airflow.where=kubernetes", "airflow.metadata_connection=", "airflow.retries=1")
ONCE = "airflow.retries=0"


@pytest.fixture(scope="module")
def first(pods: Pods) -> str:
    pods.compile()
    return pods.deployed.run("first")


def test_a_whole_run_ends_well_in_airflow_and_in_ml_metadata(pods: Pods, first: str) -> None:
    assert first == "success", pods.deployed.story("first")
    assert pods.deployed.tasks("first") == dict.fromkeys(NODES, "success")
    assert pods.deployed.executions("first") == dict.fromkeys(NODES, "complete")


def test_the_version_is_on_the_volume(volume: Path, first: str) -> None:
    assert (volume / "served/casting/1/saved_model.pb").exists()


def test_no_pod_is_left(pods: Pods, first: str) -> None:
    assert pods.cluster("get", "pods", "-n", NAMESPACE, "-o", "name") == ""


def test_a_deleted_pod_is_tried_again(pods: Pods, first: str) -> None:
    rest = pods.deployed.airflow.rest
    rest.trigger("casting", "deleted", {"force": ["Trainer"]})
    name = pods.wait_for("Trainer")
    pods.cluster("delete", "-n", NAMESPACE, name, "--grace-period=1")
    assert rest.wait("casting", "deleted") == "success", pods.deployed.story("deleted")
    assert rest.instances("casting", "deleted")["Trainer"]["try_number"] == 2
    states = pods.deployed.executions("deleted")
    assert states["Trainer"] in ("complete", "cached")


def test_an_image_that_is_missing_fails_at_once_and_nothing_is_reconciled(pods: Pods) -> None:
    pods.compile(ONCE, image="beltline.test/missing:1")
    began = time.monotonic()
    assert pods.run("missing")["ExampleGen"] == "failed"
    assert time.monotonic() - began < 60
    assert "the node had not begun" in pods.log("missing", "ExampleGen")
    assert pods.deployed.executions("missing") == {}
    assert pods.of("ExampleGen") == []
