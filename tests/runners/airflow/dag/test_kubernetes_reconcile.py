"""What becomes of the pods of a killed task; a stub plays the cluster's list of pods."""

from itertools import pairwise

import pytest

from tests.http_stub import serving
from tests.runners.airflow.airflow_process import compiled
from tests.runners.airflow.pods_stub import Cluster, PodsHandler, kubeconfig

pytestmark = pytest.mark.slow

RUNNING = {"running": {"startedAt": "2026-11-29T00:00:00Z"}}
ENDED = {"terminated": {"exitCode": 137}}
PULLING = {"waiting": {"reason": "ImagePullBackOff"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    chosen = {"image": "i", "volume_claim": "c", "namespace": "ml", "labels": {"team": "a"}}
    return compiled(tmp_path_factory.mktemp("pods"), where="kubernetes", kubernetes=chosen)


@pytest.fixture
def reconcile(airflow, folder, tmp_path):
    """Calls back for a task; returns what the cluster was asked to do, and what was logged."""

    def call(cluster: Cluster, folder=folder, node="Trainer", **task) -> tuple[list[str], str]:
        with serving(PodsHandler, cluster=cluster) as url:
            file = kubeconfig(tmp_path, url)
            found = airflow.ask(
                "reconcile_pod", folder, node=node, cluster=file, start_seconds=3, **task
            )
        changes = [do for do, _ in cluster.asked if do in ("create", "delete")]
        return changes, " ".join(line for _, _, line in found["lines"])

    return call


@pytest.mark.parametrize("state", [None, PULLING])
def test_a_pod_that_never_started_left_nothing_to_reconcile(reconcile, state):
    cluster = Cluster()
    cluster.add("old", state)
    changes, lines = reconcile(cluster)
    assert changes == ["delete"] and cluster.pods == {}
    assert "the node had not begun" in lines


@pytest.mark.parametrize("state", [RUNNING, ENDED])
def test_a_node_that_had_begun_is_reconciled(reconcile, state):
    cluster = Cluster()
    cluster.add("old", state)
    changes, lines = reconcile(cluster)
    assert changes == ["delete", "create", "delete"], lines
    assert cluster.pods == {}
    assert "reconcile: Succeeded" in lines
    assert cluster.labels[0].items() >= {("app.kubernetes.io/name", "beltline"), ("team", "a")}


def test_a_pod_that_reconciles_after_an_attempt_is_not_deleted_by_the_next(reconcile):
    cluster = Cluster(ending=("reconciling",))
    cluster.add("reconciling", RUNNING, **{"beltline-reconciles": "true"})
    cluster.add("old", RUNNING)
    reconcile(cluster)
    assert ("delete", "old") in cluster.asked
    assert ("delete", "reconciling") not in cluster.asked
    assert cluster.labels[0]["beltline-reconciles"] == "true"


def test_reconciling_waits_for_no_gpu_and_no_large_machine(reconcile):
    cluster = Cluster()
    reconcile(cluster)
    [container] = cluster.specs[0]["containers"]
    assert container["resources"] == {"requests": {"cpu": "100m", "memory": "512Mi"}}
    assert not cluster.specs[0].get("nodeSelector")


def test_a_pod_that_was_seen_not_to_start_left_nothing_to_reconcile(reconcile):
    """The provider has deleted it; a pod that no machine took is gone at once."""
    changes, lines = reconcile(Cluster(), started=False)
    assert changes == []
    assert "the node had not begun" in lines


def test_a_task_that_is_marked_leaves_its_node_to_reconcile(reconcile):
    """Airflow ends the task's process after five seconds; the pod has twenty."""
    cluster = Cluster()
    changes, lines = reconcile(cluster, started=True, killed=True)
    assert changes == []
    assert "the node does it, as its pod ends" in lines


def test_a_pod_that_is_gone_may_have_begun(reconcile):
    changes, _ = reconcile(Cluster())
    assert changes == ["create", "delete"]


def test_a_reconciling_pod_that_cannot_start_is_given_up(reconcile):
    cluster = Cluster(new_phase="Pending")
    changes, lines = reconcile(cluster)
    assert changes == ["create", "delete"] and cluster.pods == {}
    assert "reconcile: Pending" in lines


def test_all_nodes_of_a_pod_that_they_share_are_reconciled(reconcile, tmp_path):
    """Nodes of other pods may be running meanwhile."""
    chosen = {"image": "i", "volume_claim": "c", "namespace": "ml"}
    groups = {"train": ["Transform", "Trainer"]}
    shared = compiled(tmp_path, where="kubernetes", kubernetes={**chosen, "groups": groups})
    cluster = Cluster()
    cluster.add("old", RUNNING)
    reconcile(cluster, folder=shared, node="train")
    [container] = cluster.specs[0]["containers"]
    words = container["args"]
    assert [word for before, word in pairwise(words) if before == "--node"] == groups["train"]
