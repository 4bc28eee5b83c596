"""The component with Flink: its objects are valid, and its names, ports and users fit together."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from beltline.base.settings.beam import Beam
from beltline.base.settings.kubeflow import Kubeflow
from tests.deploy import manifests
from tests.deploy.manifests import ROOT, Rendered
from tests.deploy.reach import Place, may_connect

CLUSTER, JOBS = "beltline-flink", "beltline-beam"
MAIN = "flink-main-container"
OPERATOR = Place("flink-operator", {"app.kubernetes.io/name": "flink-kubernetes-operator"})
# The fields that the operator's reference documents, of those that are used here.
FIELDS = {
    "": {
        *("image", "flinkVersion", "mode", "serviceAccount", "flinkConfiguration"),
        *("podTemplate", "jobManager", "taskManager"),
    },
    "jobManager": {"replicas", "resource", "podTemplate"},
    "taskManager": {"replicas", "resource", "podTemplate"},
}


@pytest.fixture(scope="module", params=manifests.OVERLAYS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = tmp_path_factory.mktemp(request.param)
    return manifests.rendered_with("flink", request.param, folder)


@pytest.fixture
def spec(rendered: Rendered) -> dict[str, Any]:
    found: dict[str, Any] = rendered.one("FlinkDeployment", CLUSTER)["spec"]
    return found


def task_manager(spec: dict[str, Any]) -> dict[str, Any]:
    """The pod of a task manager: the common template with its own, as the operator merges them."""
    common, own = spec["podTemplate"], spec["taskManager"]["podTemplate"]
    extra = {each["name"]: each for each in own["spec"]["containers"]}
    containers = [each | extra.pop(each["name"], {}) for each in common["spec"]["containers"]]
    merged = common["spec"] | own["spec"] | {"containers": [*containers, *extra.values()]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": common["metadata"], "spec": merged}


def workers(spec: dict[str, Any]) -> dict[str, Any]:
    found = task_manager(spec)["spec"]["containers"]
    [container] = [each for each in found if each["name"] == "workers"]
    return dict(container)


def page() -> Beam:
    """The settings that the page shows for it."""
    text = (ROOT / "docs/scale.md").read_text().partition("### Flink on Kubernetes")[2]
    [section, *_] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return Beam.model_validate(yaml.safe_load(section)["beam"])


def test_every_object_is_one(rendered: Rendered, spec: dict[str, Any]) -> None:
    version = kubernetes_validate.latest_version()
    pod = task_manager(spec)
    # The operator names and images it.
    pod["metadata"] = pod["metadata"] | {"name": "any"}
    pod["spec"]["containers"][0]["image"] = spec["image"]
    others = [each for each in rendered.objects if each["kind"] != "FlinkDeployment"]
    for each in [*others, pod]:
        kubernetes_validate.validate(each, version.removesuffix(".0"), strict=True)


def test_the_cluster_is_a_session_with_known_fields(spec: dict[str, Any]) -> None:
    assert spec.keys() == FIELDS[""]
    for name in ("jobManager", "taskManager"):
        assert spec[name].keys() <= FIELDS[name]
        assert spec[name]["resource"].keys() == {"cpu", "memory"}
    # A job would make it an application's cluster, which takes no others.
    assert "job" not in spec
    assert spec["mode"] == "standalone"
    assert all(isinstance(value, str) for value in spec["flinkConfiguration"].values())
    names = [each["name"] for each in task_manager(spec)["spec"]["containers"]]
    assert names == [MAIN, "workers"]


def test_releases_fit_each_other(rendered: Rendered, spec: dict[str, Any]) -> None:
    lock = (ROOT / "requirements/pipeline.txt").read_text()
    [beam] = re.findall(r"^apache-beam==([\d.]+)", lock, re.MULTILINE)
    image = rendered.container(JOBS)["image"]
    assert image == f"apache/beam_flink1.20_job_server:{beam}"
    assert spec["flinkVersion"] == "v1_20"
    assert re.fullmatch(r"flink:1\.20\.\d+-[\w.-]+", spec["image"])
    # The overlay names Beltline's image once, for the workers too.
    assert workers(spec)["image"] == "registry.example/beltline:7"


def test_no_pod_may_more_than_it_must(rendered: Rendered, spec: dict[str, Any]) -> None:
    for pod in (task_manager(spec)["spec"], rendered.pods()[JOBS]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context.get("readOnlyRootFilesystem", False) is (container["name"] != MAIN)
    account = rendered.one("ServiceAccount", spec["serviceAccount"])
    assert account["automountServiceAccountToken"] is False
    # Flink's own containers get theirs from `resource`.
    assert workers(spec)["resources"].keys() == {"requests", "limits"}


def test_workers_write_to_the_root_as_the_nodes_do(
    rendered: Rendered, spec: dict[str, Any]
) -> None:
    nodes, container = Kubeflow(), workers(spec)
    context = container["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (nodes.user, nodes.group)
    [path] = [each["mountPath"] for each in container["volumeMounts"] if each["name"] != "tmp"]
    assert path == nodes.mount_path
    volumes = task_manager(spec)["spec"]["volumes"]
    [claim] = [each["persistentVolumeClaim"] for each in volumes if each["name"] == "beltline"]
    assert rendered.one("PersistentVolumeClaim", claim["claimName"])
    assert not claim.get("readOnly")


def test_the_settings_of_the_page_reach_it(rendered: Rendered, spec: dict[str, Any]) -> None:
    from beltline.runners.beam.pool import main

    portable = page().portable
    service = rendered.one("Service", JOBS)
    ports = {each["port"]: each["targetPort"] for each in service["spec"]["ports"]}
    own = {each["name"]: each["containerPort"] for each in rendered.container(JOBS)["ports"]}
    for address in (str(portable.endpoint), str(portable.options["artifact_endpoint"])):
        host, _, port = address.partition(":")
        assert host == service["metadata"]["name"]
        assert own[ports[int(port)]] == int(port)
    command = workers(spec)["command"]
    assert command[:3] == ["python", "-m", "beltline.runners.beam.pool"]
    given = main.make_context("pool", command[3:]).params
    assert portable.workers == f"localhost:{given['port']}"
    # Of its pod alone; what asks whether it is there does so from inside.
    assert given["host"] == "127.0.0.1"
    assert str(given["port"]) in workers(spec)["startupProbe"]["exec"]["command"][2]
    slots = int(spec["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    assert portable.options["parallelism"] == spec["taskManager"]["replicas"] * slots
    arguments = dict(each[2:].split("=", 1) for each in rendered.container(JOBS)["args"])
    # The operator's name for the service of the REST API.
    assert arguments["flink-master"] == f"{CLUSTER}-rest:8081"
    [tmp] = [each["mountPath"] for each in rendered.container(JOBS)["volumeMounts"]]
    assert Path(arguments["artifacts-dir"]).parent == Path(tmp)


def test_who_may_talk_to_whom(rendered: Rendered, spec: dict[str, Any]) -> None:
    policies, namespace = rendered.of("NetworkPolicy"), rendered.namespace
    ports = {each["name"]: each["containerPort"] for each in rendered.container(JOBS)["ports"]}
    jobs = Place(namespace, rendered.pods()[JOBS]["metadata"]["labels"], ports=ports)
    flink = Place(namespace, spec["podTemplate"]["metadata"]["labels"])
    node = Place(namespace, {"app.kubernetes.io/name": "beltline"})
    serving = Place(namespace, rendered.pods()[manifests.SERVING]["metadata"]["labels"])
    client = Place(namespace, {"beltline/client": "true"})
    everybody = [jobs, flink, node, serving, client, OPERATOR, Place("web", {"app": "shop"})]

    def callers(target: Place, port: int) -> list[Place]:
        return [each for each in everybody if may_connect(policies, each, target, port)]

    assert callers(jobs, 8099) == callers(jobs, 8098) == [node]
    assert callers(jobs, 8097) == []
    assert callers(flink, 8081) == [jobs, flink, OPERATOR]
    # The blob server, and what task managers send each other.
    assert callers(flink, 6124) == callers(flink, 40000) == [flink]
    assert may_connect(policies, flink, Place(), 443)
    assert not may_connect(policies, jobs, Place(), 443)
