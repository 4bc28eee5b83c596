"""The network policies of the overlay `example`, enforced: who reaches whom, and who does not.

The pods are stand-ins with the labels and ports of the real ones; the policies and what enforces
them are real.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster import objects
from tests.cluster.cluster import Cluster
from tests.deploy import manifests
from tests.deploy.manifests import DATABASE, SERVING

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

OWN, OPEN, KUBEFLOW, OTHER = "beltline", "ingress", "kubeflow", "strangers"
CALL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
# All that may be; anything else between these pods may not.
ALLOWED = {
    ("client", "server"),
    ("gateway", "server"),
    ("node", "database"),
    # What Kubeflow puts into a profile's namespace.
    ("kubeflow", "client"),
}
CALLERS = ("server", "database", "node", "client", "gateway", "kubeflow", "stranger")
CALLED = ("server", "database", "node", "client")


@dataclass(frozen=True)
class StandIn:
    """A pod that listens, and from which others are called."""

    namespace: str
    labels: dict[str, str]
    port: dict[str, Any]

    def pod(self, name: str, image: str) -> dict[str, Any]:
        """Returns its manifest."""
        confined = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        container = {
            "name": "listening",
            "image": image,
            "command": ["python", "-m", "http.server", str(self.port["containerPort"])],
            "ports": [self.port],
            "securityContext": confined,
        }
        metadata = {"name": name, "namespace": self.namespace, "labels": self.labels}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@dataclass(frozen=True)
class Network:
    """The stand-ins on the cluster, and the policies of their namespace."""

    cluster: Cluster
    pods: dict[str, StandIn]
    policies: list[dict[str, Any]]

    def reached(self) -> set[tuple[str, str]]:
        """Returns which pods reach which others."""
        addresses = {name: self._address(name) for name in CALLED}
        asked = [(who, whom) for who in CALLERS for whom in CALLED if who != whom]
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda pair: self._reaches(*pair, addresses), asked)
            return {pair for pair, reached in zip(asked, answers, strict=True) if reached}

    def _address(self, name: str) -> str:
        where = ("-n", self.pods[name].namespace, "get", "pod", name)
        return self.cluster(*where, "-o", "jsonpath={.status.podIP}")

    def _reaches(self, who: str, whom: str, addresses: dict[str, str]) -> bool:
        words = ["-n", self.pods[who].namespace, "exec", who, "--", "python", "-c", CALL]
        port = str(self.pods[whom].port["containerPort"])
        try:
            self.cluster(*words, addresses[whom], port)
        except RuntimeError as error:
            assert "timed out" in str(error) or "refused" in str(error), error
            return False
        return True


@pytest.fixture(scope="module")
def network(
    cluster: Cluster, serving_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Pods as the overlay has them, and callers; no policy yet."""
    overlay = manifests.copied(tmp_path_factory.mktemp("overlay")) / "overlays/example"
    rendered = manifests.render(manifests.with_server(overlay, "beltline"), "mysql", "beltline")
    assert rendered.namespace == OWN
    pods = {
        "server": _like(rendered, SERVING),
        "database": _like(rendered, DATABASE),
        "node": StandIn(OWN, {"app.kubernetes.io/name": "beltline"}, {"containerPort": 9000}),
        "client": StandIn(OWN, {"beltline/client": "true"}, {"containerPort": 9000}),
        "gateway": StandIn(OPEN, {}, {"containerPort": 9000}),
        "kubeflow": StandIn(KUBEFLOW, {}, {"containerPort": 9000}),
        "stranger": StandIn(OTHER, {}, {"containerPort": 9000}),
    }
    labels = {OWN: {}, OPEN: {"beltline/client": "true"}, KUBEFLOW: {}, OTHER: {}}
    made = [objects.namespace(name, **more) for name, more in labels.items()]
    cluster.apply(*made, *(each.pod(name, serving_image) for name, each in pods.items()))
    for name, each in pods.items():
        cluster(
            "-n", each.namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s"
        )
    yield Network(cluster, pods, rendered.of("NetworkPolicy"))
    cluster("delete", "namespace", *labels, "--timeout=90s")


def _like(rendered: manifests.Rendered, name: str) -> StandIn:
    [port] = rendered.container(name)["ports"]
    return StandIn(rendered.namespace, rendered.pods()[name]["metadata"]["labels"], port)


def test_without_policies_everybody_reaches_everybody(network: Network) -> None:
    everything = {(who, whom) for who in CALLERS for whom in CALLED if who != whom}
    assert network.reached() == everything


def test_with_the_policies_only_who_may_reaches_whom(network: Network) -> None:
    assert {each["metadata"]["namespace"] for each in network.policies} == {OWN}
    network.cluster.apply(*network.policies)
    end = time.monotonic() + 60
    while (reached := network.reached()) != ALLOWED:
        assert time.monotonic() < end, (sorted(reached - ALLOWED), sorted(ALLOWED - reached))
