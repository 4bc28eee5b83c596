"""The overlay `standalone` with Beltline's server, on a real cluster and under load."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from beltline.versions import live
from tests.cluster import objects
from tests.cluster.clients import Answers, asking
from tests.cluster.cluster import Cluster
from tests.cluster.waiting import until
from tests.deploy import manifests
from tests.deploy.manifests import SERVING

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ROW = {"instances": [{"heat": 2.0, "mold": "A"}]}


@dataclass
class Serving:
    """The servers on the cluster, and the folder of versions that they share."""

    cluster: Cluster
    namespace: str
    folder: Path

    def kubectl(self, *words: str) -> str:
        return self.cluster("-n", self.namespace, *words)

    def pods(self) -> dict[str, dict[str, Any]]:
        """Returns the pods that are not on their way out, by name."""
        listed = self.kubectl(
            "get", "pods", "-l", f"app.kubernetes.io/name={SERVING}", "-o", "json"
        )
        found = {each["metadata"]["name"]: each for each in json.loads(listed)["items"]}
        return {
            name: pod for name, pod in found.items() if "deletionTimestamp" not in pod["metadata"]
        }

    def ready(self) -> list[str]:
        """Returns the addresses of the pods that are ready."""
        return [
            pod["status"]["podIP"]
            for pod in self.pods().values()
            for condition in pod["status"].get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        ]

    @property
    def url(self) -> str:
        """The model's, at the address of the service."""
        address = self.kubectl("get", "service", SERVING, "-o", "jsonpath={.spec.clusterIP}")
        return f"http://{address}:8501/v1/models/casting:predict"

    def push(self, scale: float, scratch: Path) -> int:
        """Pushes a version that multiplies by `scale`, and returns its number."""
        from tests.serving.servables.versions_made import push_line

        scratch.mkdir(exist_ok=True)
        return push_line(self.folder, scratch, scale)


@pytest.fixture(scope="module")
def serving(
    cluster: Cluster, serving_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """The servers of the overlay, before the first push."""
    volume = tmp_path_factory.mktemp("serving")
    overlay = manifests.copied(tmp_path_factory.mktemp("overlay")) / "overlays/standalone"
    manifests.with_component(manifests.with_server(overlay, "samples"), "open")
    rendered = manifests.render(manifests.with_image(overlay), "postgresql", "samples")
    namespace = rendered.namespace
    kept = [each for each in rendered.objects if "database" not in each["metadata"]["name"]]
    _without_class(kept)
    made = [objects.namespace(namespace), objects.volume(namespace, volume, "100Gi")]
    cluster.apply(*made, *kept)
    yield Serving(cluster, namespace, volume / "served/casting")
    cluster("delete", "namespace", namespace, "--timeout=90s")


def _without_class(made: list[dict[str, Any]]) -> None:
    """Has the claim take the volume that is there."""
    [claim] = [each for each in made if each["kind"] == "PersistentVolumeClaim"]
    claim["spec"]["storageClassName"] = ""


def answering(serving: Serving, version: int) -> bool:
    """Returns whether every ready pod answers with that version."""
    addresses = serving.ready()
    found = {
        requests.post(f"http://{each}:8501/v1/models/casting:predict", json=ROW, timeout=10).json()[
            "version"
        ]
        for each in addresses
    }
    return bool(addresses) and found == {str(version)}


def test_they_run_and_are_ready_after_the_first_push_only(serving: Serving, tmp_path: Path) -> None:
    def running() -> bool:
        states = [pod["status"]["phase"] for pod in serving.pods().values()]
        # The autoscaler wants two, whatever it knows of their load.
        return states == ["Running", "Running"]

    until(running, "two pods run")
    time.sleep(10)
    assert running() and serving.ready() == []
    assert serving.push(10, tmp_path) == 1
    took = until(lambda: len(serving.ready()) == 2, "both are ready")
    print(f"ready {took:.1f} s after the first push")
    assert answering(serving, 1)


def test_a_promotion_and_a_rollback_reach_every_pod_in_five_seconds(
    serving: Serving, tmp_path: Path
) -> None:
    assert serving.push(20, tmp_path) == 2
    until(lambda: answering(serving, 2), "the push arrives")
    for change, wanted in (
        (lambda: live.promote(serving.folder, 1), 1),
        (lambda: live.rollback(serving.folder), 2),
    ):
        change()
        took = until(lambda wanted=wanted: answering(serving, wanted), f"version {wanted}")
        print(f"version {wanted} everywhere after {took:.1f} s")
        assert took < 5


def test_no_request_fails_while_servers_and_versions_change(serving: Serving) -> None:
    with asking(serving.url, ROW) as answers:
        time.sleep(5)
        quiet = Answers(list(answers.seconds))
        serving.kubectl("rollout", "restart", f"deployment/{SERVING}")
        serving.kubectl("rollout", "status", f"deployment/{SERVING}", "--timeout=180s")
        live.promote(serving.folder, 1)
        time.sleep(5)
        name = min(serving.pods())
        serving.kubectl("delete", "pod", name, "--grace-period=0", "--force")
        until(lambda: len(serving.ready()) == 2, "another pod is ready")
        time.sleep(5)
    print(
        f"{len(answers.seconds)} answers, {answers.retried} asked twice; p50 and p99 "
        f"{1000 * answers.quantile(0.5):.0f} and {1000 * answers.quantile(0.99):.0f} ms, "
        f"before {1000 * quiet.quantile(0.5):.0f} and {1000 * quiet.quantile(0.99):.0f} ms"
    )
    assert answers.failures == []
    assert answers.versions == {"1", "2"}


def test_what_was_asked_is_sampled(serving: Serving) -> None:
    until(lambda: any(serving.folder.parents[1].rglob("data_tfrecord-*")), "a sample is written")


def test_servers_come_with_the_load_and_go_with_it(serving: Serving) -> None:
    # Without the five minutes for which it keeps what a peak has asked for, and at a load that two
    # busy cores have room for.
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 20}}
    soon = {
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    patch = json.dumps({"spec": soon})
    serving.kubectl("patch", "hpa", SERVING, "--type=merge", "-p", patch)
    heavy = {"instances": 2000 * ROW["instances"]}
    with asking(serving.url, heavy) as answers:
        took = until(lambda: len(serving.ready()) > 2, "a third is ready", 180)
    print(f"a third pod is ready after {took:.0f} s of load")
    took = until(lambda: len(serving.pods()) == 2, "two are left", 180)
    print(f"two are left {took:.0f} s after it")
    assert answers.failures == []
