"""What the manifests' selectors meet, and which connections their policies let come about."""

from typing import Any

import pytest

from tests.deploy import manifests
from tests.deploy.manifests import COPY, DATABASE, SERVING, VERSIONS, Rendered
from tests.deploy.reach import Place, may_connect, selects

Labels = dict[str, dict[str, str]]
CLIENT = {"beltline/client": "true"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    """The labels of the pods of a run."""
    found = manifests.executors(tmp_path_factory.mktemp("package"))
    return {name: each["podMetadata"]["labels"] for name, each in found.items()}


def test_selectors_meet_the_pods_that_they_mean(rendered: Rendered, nodes: Labels) -> None:
    pods = {name: pod["metadata"]["labels"] for name, pod in rendered.pods().items()}
    pods |= {name: pod["metadata"]["labels"] for name, pod in manifests.lone_pods().items()}
    pods |= nodes
    pods["Kubeflow's"] = {"app": "ml-pipeline"}

    def met(selector: dict[str, Any]) -> set[str]:
        return {name for name, labels in pods.items() if selects(selector, labels)}

    for name in (SERVING, DATABASE):
        assert met({"matchLabels": rendered.one("Service", name)["spec"]["selector"]}) == {name}
    for kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
        for each in rendered.of(kind):
            assert met(each["spec"]["selector"]) == {each["metadata"]["name"]}
    [spread] = rendered.pods()[SERVING]["spec"]["topologySpreadConstraints"]
    assert met(spread["labelSelector"]) == {SERVING}
    own = {SERVING, DATABASE, COPY, VERSIONS}
    meant = {
        "beltline-deny": own,
        "beltline-nodes-deny": set(nodes),
        SERVING: {SERVING},
        DATABASE: {DATABASE},
    }
    if rendered.overlay == "example":
        meant |= {"deny": set(pods), "kubeflow": {"Kubeflow's"}, "beltline-nodes": set(nodes)}
    policies = rendered.of("NetworkPolicy")
    assert meant == {
        each["metadata"]["name"]: met(each["spec"]["podSelector"]) for each in policies
    }


def test_who_may_talk_to_whom(rendered: Rendered, nodes: Labels) -> None:
    namespace, policies = rendered.namespace, rendered.of("NetworkPolicy")

    def pod(name: str) -> Place:
        ports = {each["name"]: each["containerPort"] for each in rendered.container(name)["ports"]}
        return Place(namespace, rendered.pods()[name]["metadata"]["labels"], ports=ports)

    serving, database = pod(SERVING), pod(DATABASE)
    node = Place(namespace, nodes["exec-nodes"])
    copy, versions = (
        Place(namespace, pod["metadata"]["labels"]) for pod in manifests.lone_pods().values()
    )
    client, elsewhere = Place(namespace, CLIENT), Place("web", {"app": "shop"})
    from_outside = Place("ingress", {}, namespace_labels=CLIENT)
    kubeflow = Place("kubeflow", {"app": "ml-pipeline"})
    world = Place()
    [rest], [sql] = serving.ports.values(), database.ports.values()

    def callers(target: Place, port: int) -> list[Place]:
        every = [node, serving, database, copy, client, elsewhere, from_outside, kubeflow, world]
        others = [each for each in every if each != target]
        return [each for each in others if may_connect(policies, each, target, port)]

    assert callers(database, sql) == [node]
    assert callers(database, 22) == callers(copy, 80) == callers(node, 80) == []
    assert callers(serving, rest) == [client, from_outside]
    assert callers(serving, 8500) == []
    for quiet in (serving, database, copy, versions):
        assert not may_connect(policies, quiet, world, 443)
    assert may_connect(policies, node, kubeflow, 8887)
    assert may_connect(policies, node, world, 443)
    confined = rendered.overlay == "example"
    assert may_connect(policies, node, world, 25) is not confined
    assert may_connect(policies, kubeflow, Place(namespace, {"app": "artifacts"}), 80)
    assert may_connect(policies, elsewhere, Place(namespace, {"app": "any"}), 80) is not confined
