"""The cluster itself: pods run on it, and its parts are what the tests after these rely on."""

import json

import pytest

from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.cluster


def test_the_node_is_ready(cluster: Cluster) -> None:
    nodes = json.loads(cluster("get", "nodes", "-o", "json"))["items"]
    assert nodes
    for each in nodes:
        conditions = {one["type"]: one["status"] for one in each["status"]["conditions"]}
        assert conditions["Ready"] == "True"


def test_a_pod_comes_up_and_goes(cluster: Cluster) -> None:
    if cluster.node is None:
        pytest.skip("its image is put on a node of this machine")
    cluster("run", "sleeper", "--image=beltline.test/pause:1", "--image-pull-policy=Never")
    cluster("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
    cluster("delete", "pod", "sleeper", "--timeout=60s")
    assert "sleeper" not in cluster("get", "pods", "-o", "name")
