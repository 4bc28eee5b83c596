"""A whole run by Airflow's real scheduler, its nodes in pods of a real Kubernetes."""

from pathlib import Path

import pytest

from tests.cluster.pods import NAMESPACE, Pods
from tests.end_to_end.projects import NODES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]


def test_a_whole_run_ends_well_in_airflow_and_in_ml_metadata(pods: Pods, first: str) -> None:
    assert first == "success", pods.deployed.story("first")
    assert pods.deployed.tasks("first") == dict.fromkeys(NODES, "success")
    assert pods.deployed.executions("first") == dict.fromkeys(NODES, "complete")


def test_the_version_is_on_the_volume(volume: Path, first: str) -> None:
    assert (volume / "served/casting/1/saved_model.pb").exists()


def test_no_pod_is_left(pods: Pods, first: str) -> None:
    assert pods.cluster("get", "pods", "-n", NAMESPACE, "-o", "name") == ""
