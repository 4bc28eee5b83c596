"""A compiled package on a real Kubernetes: each task's pod as Kubeflow's driver asks for it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from beltline.runners.metadata.store import Lineage
from tests.beltline_process import Beltline
from tests.cluster import objects
from tests.cluster.cluster import Cluster
from tests.cluster.kubeflow_pods import SETTINGS, Package, Runs, ending
from tests.cluster.relay import seen_by_pods
from tests.cluster.waiting import until
from tests.databases import Server
from tests.end_to_end.projects import NODES, casting

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

NAMESPACE = "pipelines"


@dataclass(frozen=True)
class Line:
    """The package's runs, and what ML Metadata and the volume say of them."""

    runs: Runs
    metadata: str
    volume: Path

    def states(self, run: str, node: str) -> list[str]:
        """Returns the states of a node's executions in a run, oldest first."""
        found = Lineage(self.metadata, "casting").nodes(run)
        return [each.state for each in found if each.node == node]


@pytest.fixture(scope="module")
def line(
    cluster: Cluster,
    image: str,
    reached_postgresql: Server,
    beltline: Beltline,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Line]:
    metadata = reached_postgresql.database()
    volume = tmp_path_factory.mktemp("pipelines")
    seen = seen_by_pods(metadata)
    # Kubeflow's own pods don't conform to the restricted standard.
    made = [objects.namespace(NAMESPACE, "baseline"), objects.volume(NAMESPACE, volume)]
    made += [objects.claim(NAMESPACE), objects.secret(NAMESPACE, "beltline", metadata=seen)]
    cluster.apply(*made)
    project = casting(beltline, tmp_path_factory.mktemp("package"), rows=2000)
    shutil.copy(project.folder / "casting.csv", volume)
    given = ("--set", f"kubeflow.image={image}")
    done = project("compile", "kubeflow", "-o", "package", *SETTINGS, *given)
    assert done.code == 0, done.text
    package = Package(project.folder / "package/pipeline.yaml")
    yield Line(Runs(cluster, NAMESPACE, package), metadata, volume)
    cluster("delete", "namespace", NAMESPACE, "--timeout=90s")


def test_a_package_runs_in_the_pods_that_it_asks_for(line: Line) -> None:
    said = line.runs.whole("first")
    assert next(iter(said)) == "unpack"
    ended = ending(said)
    assert (ended.end, ended.version) == ("done", "1"), "\n".join(said.values())
    assert [line.states("first", node) for node in NODES] == [["complete"]] * len(NODES)
    assert (line.volume / "served/casting/1/saved_model.pb").exists()
    where = ("-n", NAMESPACE, "get", "pods", "-l", "beltline/task=train", "-o")
    limit = "jsonpath={.items[*].spec.containers[0].resources.limits.memory}"
    assert line.runs.cluster(*where, limit) == "4Gi"


def test_a_node_whose_pod_is_deleted_is_tried_again_in_the_next(line: Line) -> None:
    """Argo starts another pod of the task; what the first had done is not done again."""
    runs = line.runs
    *before, training, after = runs.package.tasks()
    given = {"force": "Trainer", "steps": "1000000"}
    for task in before:
        assert runs.end(runs.start(task, "deleted", **given))[0] == "Succeeded"
    name = runs.start(training, "deleted", **given)
    until(lambda: line.states("deleted", "Trainer") == ["running"], "the training begins")
    runs.delete(name)
    again = {"force": "Trainer", "steps": "200"}
    assert runs.end(runs.start(training, "deleted", 1, **again))[0] == "Succeeded"
    assert line.states("deleted", "Trainer") == ["failed", "complete"]
    assert runs.end(runs.start(after, "deleted", **again))[0] == "Succeeded"
    assert ending(runs.report("deleted")).end == "done"


def test_a_node_that_fails_ends_the_run_and_is_reported(line: Line) -> None:
    said = line.runs.whole("failed", data_path="missing.csv")
    ended = ending(said)
    assert (ended.end, ended.node, ended.code) == ("failed", "ExampleGen", 1)
    assert "missing.csv" in ended.reason
