"""The component with Dask: its objects are valid, and its names, ports and options fit together."""

import re
from importlib import import_module
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dask.utils import parse_bytes

from beltline.base.settings.beam import Beam
from beltline.base.settings.kubeflow import Kubeflow
from tests.deploy import manifests
from tests.deploy.manifests import ROOT, Rendered
from tests.deploy.reach import Place, may_connect

CLUSTER = "beltline-dask"
OPERATOR = Place("dask-operator", {"app.kubernetes.io/name": "dask-kubernetes-operator"})
PARTS = ("scheduler", "worker")
# The fields of the operator's definition, of those that are used here.
FIELDS = {"scheduler": {"spec", "service"}, "worker": {"replicas", "spec"}}


@pytest.fixture(scope="module", params=manifests.OVERLAYS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = tmp_path_factory.mktemp(request.param)
    return manifests.rendered_with("dask", request.param, folder)


@pytest.fixture
def cluster(rendered: Rendered) -> dict[str, Any]:
    return rendered.one("DaskCluster", CLUSTER)


def labels(cluster: dict[str, Any], part: str) -> dict[str, str]:
    """Those of a pod: the operator adds its own to the cluster's."""
    own = {"dask.org/cluster-name": CLUSTER, "dask.org/component": part}
    return dict(cluster["metadata"]["labels"] | own)


def deployment(cluster: dict[str, Any], part: str) -> dict[str, Any]:
    """What the operator makes of a part."""
    metadata = {"name": f"{CLUSTER}-{part}", "labels": labels(cluster, part)}
    template = {"metadata": metadata, "spec": cluster["spec"][part]["spec"]}
    selector = {"matchLabels": metadata["labels"]}
    spec = {"replicas": 1, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def container(cluster: dict[str, Any], part: str) -> dict[str, Any]:
    [found] = cluster["spec"][part]["spec"]["containers"]
    return dict(found)


def service(cluster: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": f"{CLUSTER}-scheduler"}
    spec = cluster["spec"]["scheduler"]["service"]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def options(cluster: dict[str, Any], part: str) -> dict[str, str]:
    """What Dask's own command reads of a container's: it exits where an option is none of it."""
    program, command, *words = container(cluster, part)["command"]
    assert (program, command) == ("dask", part)
    main = import_module(f"distributed.cli.dask_{part}").main
    return dict(main.make_context(part, words).params)


def test_every_object_is_one(rendered: Rendered, cluster: dict[str, Any]) -> None:
    version = kubernetes_validate.latest_version()
    others = [each for each in rendered.objects if each["kind"] != "DaskCluster"]
    made = [*(deployment(cluster, part) for part in PARTS), service(cluster)]
    for each in [*others, *made]:
        kubernetes_validate.validate(each, version.removesuffix(".0"), strict=True)
    assert cluster["spec"].keys() == set(PARTS)
    for part in PARTS:
        assert cluster["spec"][part].keys() == FIELDS[part]


def test_the_settings_of_the_page_reach_it(cluster: dict[str, Any]) -> None:
    text = (ROOT / "docs/scale.md").read_text().partition("### Dask on Kubernetes")[2]
    [section, *_] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    scheduler = Beam.model_validate(yaml.safe_load(section)["beam"]).dask.scheduler
    made = service(cluster)
    ports = {each["name"]: each["port"] for each in made["spec"]["ports"]}
    assert scheduler == f"tcp://{made['metadata']['name']}:{ports['tcp-comm']}"
    assert made["spec"]["selector"].items() <= labels(cluster, "scheduler").items()
    own = {each["name"]: each["containerPort"] for each in container(cluster, "scheduler")["ports"]}
    # Dask's own, which no option of the command changes.
    assert ports == own == {"tcp-comm": 8786, "http-dashboard": 8787}


@pytest.mark.slow  # The preloads import TFX.
def test_what_is_preloaded_is_there(cluster: dict[str, Any]) -> None:
    for part in PARTS:
        [module] = options(cluster, part)["preload"]
        import_module(module)


def test_a_worker_has_a_thread_and_the_memory_of_its_pod(cluster: dict[str, Any]) -> None:
    found = options(cluster, "worker")
    assert found["nthreads"] == 1
    limit = container(cluster, "worker")["resources"]["limits"]["memory"]
    assert parse_bytes(found["memory_limit"]) == parse_bytes(f"{limit}B")
    [tmp] = [each for each in container(cluster, "worker")["volumeMounts"] if each["name"] == "tmp"]
    assert found["local_directory"] == tmp["mountPath"]


def test_no_pod_may_more_than_it_must(rendered: Rendered, cluster: dict[str, Any]) -> None:
    for part in PARTS:
        pod, own = cluster["spec"][part]["spec"], container(cluster, part)
        assert own["image"] == "registry.example/beltline:7"
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert own["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert own["resources"].keys() == {"requests", "limits"}
        account = rendered.one("ServiceAccount", pod["serviceAccountName"])
        assert account["automountServiceAccountToken"] is False


def test_workers_write_to_the_root_as_the_nodes_do(
    rendered: Rendered, cluster: dict[str, Any]
) -> None:
    nodes, pod = Kubeflow(), cluster["spec"]["worker"]["spec"]
    context = pod["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (nodes.user, nodes.group)
    mounts = container(cluster, "worker")["volumeMounts"]
    [path] = [each["mountPath"] for each in mounts if each["name"] != "tmp"]
    assert path == nodes.mount_path
    [claim] = [
        each["persistentVolumeClaim"] for each in pod["volumes"] if each["name"] == "beltline"
    ]
    assert rendered.one("PersistentVolumeClaim", claim["claimName"])
    assert not claim.get("readOnly")


def test_who_may_talk_to_whom(rendered: Rendered, cluster: dict[str, Any]) -> None:
    policies, namespace = rendered.of("NetworkPolicy"), rendered.namespace
    scheduler, worker = (Place(namespace, labels(cluster, part)) for part in PARTS)
    node = Place(namespace, {"app.kubernetes.io/name": "beltline"})
    serving = Place(namespace, rendered.pods()[manifests.SERVING]["metadata"]["labels"])
    client = Place(namespace, {"beltline/client": "true"})
    shop = Place("web", {"app": "shop"})
    everybody = [scheduler, worker, node, serving, client, OPERATOR, shop]

    def callers(target: Place, port: int) -> list[Place]:
        return [each for each in everybody if may_connect(policies, each, target, port)]

    assert callers(scheduler, 8786) == [scheduler, worker, node, OPERATOR]
    assert callers(scheduler, 8787) == [scheduler, worker, OPERATOR]
    # What workers hand each other, and the processes of a training.
    assert callers(worker, 40_000) == [scheduler, worker]
    assert may_connect(policies, worker, Place(), 443)
    assert not may_connect(policies, worker, Place(), 80)
