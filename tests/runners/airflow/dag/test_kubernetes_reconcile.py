"""What becomes of the pods of a killed task; a stub plays the cluster's list of pods."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.http_stub import Handler, serving
from tests.runners.airflow.airflow_process import compiled

pytestmark = pytest.mark.slow

RUNNING = {"running": {"startedAt": "2026-11-29T00:00:00Z"}}
ENDED = {"terminated": {"exitCode": 137}}
PULLING = {"waiting": {"reason": "ImagePullBackOff"}}


@dataclass
class Cluster:
    """Pods by name, what phase a new one has, and what was asked for."""

    new_phase: str = "Succeeded"
    pods: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    specs: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, state: dict[str, Any] | None) -> None:
        status = [{"name": "base", "state": state, **WHOLE}] if state else None
        self.pods[name] = pod(name, "Pending", status)

    def list(self, _: str, __: Any) -> Any:
        return {"kind": "PodList", "apiVersion": "v1", "items": list(self.pods.values())}

    def create(self, _: str, body: Any) -> Any:
        name = body["metadata"]["name"]
        self.labels.append(body["metadata"]["labels"])
        self.specs.append(body["spec"])
        self.pods[name] = pod(name, self.new_phase, None)
        return self.pods[name]

    def read(self, name: str, _: Any) -> Any:
        return self.pods[name]

    def delete(self, name: str, _: Any) -> Any:
        return self.pods.pop(name)


WHOLE = {"image": "i", "imageID": "i", "ready": False, "restartCount": 0}


def pod(name: str, phase: str, statuses: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "ml"},
        "spec": {"containers": [{"name": "base", "image": "i"}]},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


def kubeconfig(folder: Path, url: str) -> str:
    file = folder / "kubeconfig"
    named = {"name": "stub"}
    clusters = [{**named, "cluster": {"server": url}}]
    contexts = [{**named, "context": {"cluster": "stub", "user": "stub"}}]
    users = [{**named, "user": {}}]
    whole = {"clusters": clusters, "contexts": contexts, "users": users}
    file.write_text(json.dumps({**whole, "current-context": "stub"}))
    return str(file)


class _Pods(Handler):
    cluster: Cluster

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        name = re.sub(r"^/api/v1/namespaces/ml/pods/?|\?.*$", "", self.path)
        verb = {"GET": "read" if name else "list", "POST": "create", "DELETE": "delete"}
        do = verb[self.command]
        self.cluster.asked.append((do, name))
        answer = getattr(self.cluster, do)(name, json.loads(body or "null"))
        self.send(200, json.dumps(answer), "application/json")

    do_GET = do_POST = do_DELETE = _handle


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    chosen = {"image": "i", "volume_claim": "c", "namespace": "ml", "labels": {"team": "a"}}
    return compiled(tmp_path_factory.mktemp("pods"), where="kubernetes", kubernetes=chosen)


@pytest.fixture
def reconcile(airflow, folder, tmp_path):
    """Calls back for the Trainer; returns what the cluster was asked to do, and what was logged."""

    def call(cluster: Cluster, **task: bool) -> tuple[list[str], str]:
        with serving(_Pods, cluster=cluster) as url:
            file = kubeconfig(tmp_path, url)
            found = airflow.ask(
                "reconcile_pod", folder, node="Trainer", cluster=file, start_seconds=3, **task
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
