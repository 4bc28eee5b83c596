"""Airflow's pods where they share a machine: one GPU for two runs, and a pod that is evicted."""

import json

import pytest

from tests.cluster.pods import NAMESPACE, ONCE, Pods
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]


def trainers(pods: Pods) -> list[str]:
    """Returns the phases of the Trainers' pods, in the order of the alphabet."""
    phases = "jsonpath={.items[*].status.phase}"
    label = "beltline/task=Trainer"
    return sorted(pods.cluster("-n", NAMESPACE, "get", "pods", "-l", label, "-o", phases).split())


@pytest.mark.usefixtures("one_gpu")
def test_two_runs_train_one_after_the_other_where_there_is_one_gpu(pods: Pods, first: str) -> None:
    # Airflow's own pool of GPUs would hold the second task back before it has a pod.
    pooled = ("airflow.gpu_pool=default_pool", "airflow.max_active_runs=2")
    pods.compile(ONCE, *pooled, "resources.Trainer.gpu=1")
    rest = pods.deployed.airflow.rest
    runs = ("shared1", "shared2")
    for seed, run in enumerate(runs):
        rest.trigger("casting", run, {"force": ["Trainer"], "steps": 300 + seed})
    until(lambda: trainers(pods) == ["Pending", "Running"], "one of them waits", 300)
    for run in runs:
        assert rest.wait("casting", run, 600) == "success", pods.deployed.story(run)
        assert pods.deployed.executions(run)["Trainer"] == "complete"
    assert trainers(pods) == []


def test_an_evicted_pod_is_tried_again(pods: Pods, first: str) -> None:
    """As a machine that is drained asks for it."""
    pods.compile()
    rest = pods.deployed.airflow.rest
    rest.trigger("casting", "evicted", {"force": ["Trainer"]})
    until(lambda: "Trainer" in pods.deployed.executions("evicted"), "the node begins", 300)
    [name] = pods.of("Trainer")
    pod = name.removeprefix("pod/")
    where = {"name": pod, "namespace": NAMESPACE}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": where}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    pods.cluster("create", "--raw", path, "-f", "-", given=json.dumps(eviction))
    assert rest.wait("casting", "evicted") == "success", pods.deployed.story("evicted")
    assert rest.instances("casting", "evicted")["Trainer"]["try_number"] == 2
    assert pods.deployed.executions("evicted")["Trainer"] == "complete"
    assert trainers(pods) == []
