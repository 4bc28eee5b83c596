"""The manifests are what the schemas, the pipeline's pods and the documentation take them for."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from beltline.runners.metadata.connection import connection_config
from beltline.runners.paths import METADATA
from tests.deploy import manifests
from tests.deploy.manifests import DATABASE, OVERLAYS, ROOT, SERVING, Rendered

PAGE = (ROOT / "docs/kubeflow.md").read_text()
# The oldest one that the page promises, and the newest that there are schemas of.
VERSIONS = (
    *re.findall(r"Kubernetes (1\.\d+) or later", PAGE),
    kubernetes_validate.latest_version().removesuffix(".0"),
)


def pod_specs(rendered: Rendered) -> dict[str, dict[str, Any]]:
    specs = {name: pod["spec"] for name, pod in rendered.pods().items()}
    return specs | {name: pod["spec"] for name, pod in manifests.lone_pods().items()}


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What runs in a pod, before the rest or with it."""
    return [*spec.get("initContainers", []), *spec["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one(rendered: Rendered, version: str) -> None:
    assert len(VERSIONS) == 2
    assert len(rendered.objects) > 12
    for each in [*rendered.objects, *manifests.lone_pods().values()]:
        assert kubernetes_validate.validate(each, version, strict=True) == version


def test_what_is_there(rendered: Rendered) -> None:
    own_namespace = rendered.overlay == "example"
    namespaces = [each["metadata"]["labels"] for each in rendered.of("Namespace")]
    enforced = [each["pod-security.kubernetes.io/enforce"] for each in namespaces]
    assert enforced == (["restricted"] if own_namespace else [])
    assert rendered.namespace == ("beltline" if own_namespace else "kubeflow")
    assert set(rendered.pods()) == {SERVING, DATABASE}
    for each in rendered.objects:
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == rendered.namespace
            assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "beltline"


def test_no_pod_may_more_than_it_must(rendered: Rendered) -> None:
    for spec in pod_specs(rendered).values():
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] and context["runAsGroup"]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_every_pod_says_what_it_takes_and_which_image(rendered: Rendered) -> None:
    for spec in pod_specs(rendered).values():
        for container in containers(spec):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys()
            assert "memory" in resources["limits"]
            assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?", container["image"])
        for volume in spec["volumes"]:
            assert volume.get("emptyDir", {"sizeLimit": "any"}).keys() == {"sizeLimit"}


def test_no_pod_is_in_a_mesh_that_a_run_is_not(rendered: Rendered) -> None:
    for pod in [*rendered.pods().values(), *manifests.lone_pods().values()]:
        assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_names_lead_somewhere(rendered: Rendered) -> None:
    for name, spec in pod_specs(rendered).items():
        [container] = spec["containers"]
        mounted = [mount["name"] for each in containers(spec) for mount in each["volumeMounts"]]
        for volume in spec["volumes"]:
            assert volume["name"] in mounted
            if claim := volume.get("persistentVolumeClaim"):
                assert rendered.one("PersistentVolumeClaim", claim["claimName"])
            if secret := volume.get("secret"):
                assert rendered.one("Secret", secret["secretName"])
        if account := spec.get("serviceAccountName"):
            assert rendered.one("ServiceAccount", account)
        ports = {each["name"] for each in container.get("ports", [])}
        probes = [value for key, value in container.items() if key.endswith("Probe")]
        assert {each["httpGet"]["port"] for each in probes if "httpGet" in each} <= ports
        if ports:
            served = rendered.one("Service", name)["spec"]["ports"]
            assert {each["targetPort"] for each in served} == ports


def test_the_database_is_asked_whether_it_is_well(rendered: Rendered) -> None:
    container = rendered.container(DATABASE)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"][0] in ("pg_isready", "healthcheck.sh")


def test_the_server_is_scaled_and_kept(rendered: Rendered) -> None:
    deployment = rendered.one("Deployment", SERVING)["spec"]
    scaling = rendered.one("HorizontalPodAutoscaler", SERVING)["spec"]
    assert scaling["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": SERVING,
    }
    # A number here would undo the autoscaler's with each `kubectl apply`.
    assert "replicas" not in deployment
    [metric] = scaling["metrics"]
    assert metric["resource"]["name"] in rendered.container(SERVING)["resources"]["requests"]
    kept = rendered.one("PodDisruptionBudget", SERVING)["spec"]
    assert kept["maxUnavailable"] < scaling["minReplicas"] < scaling["maxReplicas"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_secret_opens_the_database(rendered: Rendered) -> None:
    secret, database = rendered.secret("beltline"), rendered.secret(DATABASE)
    assert secret.keys() == {METADATA}
    config = connection_config(secret[METADATA])
    source = getattr(config, config.WhichOneof("config"))
    assert source.password == database["password"]
    container, service = rendered.container(DATABASE), rendered.one("Service", DATABASE)
    [port] = service["spec"]["ports"]
    assert (source.host, int(source.port)) == (service["metadata"]["name"], port["port"])
    [own] = container["ports"]
    assert (port["targetPort"], port["port"]) == (own["name"], own["containerPort"])
    prefix = "MARIADB" if rendered.scheme == "mysql" else "POSTGRES"
    values = {each["name"]: each["value"] for each in container["env"]}
    name = source.database if rendered.scheme == "mysql" else source.dbname
    kind = "DATABASE" if rendered.scheme == "mysql" else "DB"
    assert (values[f"{prefix}_USER"], values[f"{prefix}_{kind}"]) == (source.user, name)
    [mount] = [each for each in container["volumeMounts"] if each["name"] == "secret"]
    files = [value for key, value in values.items() if key.endswith("_FILE")]
    assert files
    assert all(Path(file).parent == Path(mount["mountPath"]) for file in files)
    assert {Path(file).name for file in files} <= database.keys()


def test_the_volume_can_have_a_class(tmp_path: Path) -> None:
    for name in OVERLAYS:
        overlay = manifests.copied(tmp_path / name) / "overlays" / name
        file = overlay / "kustomization.yaml"
        assert "# - {op: add" in file.read_text()
        file.write_text(file.read_text().replace("# - {op: add", "- {op: add"))
        claim = manifests.render(overlay).one("PersistentVolumeClaim", "beltline")["spec"]
        assert claim["storageClassName"] == "nfs"
        assert claim["accessModes"] == ["ReadWriteMany"]


@pytest.mark.slow
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_of_the_documentation_fit(overlay: str, tmp_path: Path) -> None:
    rendered = manifests.render(manifests.copied(tmp_path) / "overlays" / overlay)
    sections = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    [shown] = [
        each["kubeflow"]
        for each in sections
        if "secrets" in each.get("kubeflow", {})
        and each["kubeflow"]["namespace"] == rendered.namespace
    ]
    pods = manifests.executors(tmp_path, **shown).values()
    [claim] = {mount["constant"] for pod in pods for mount in pod["pvcMount"]}
    assert rendered.one("PersistentVolumeClaim", claim)
    lent = [secret for pod in pods for secret in pod.get("secretAsEnv", [])]
    assert lent
    for secret in lent:
        keys = [each["secretKey"] for each in secret["keyToEnv"]]
        assert keys == list(rendered.secret(secret["secretName"]))


def test_the_request_of_the_documentation_has_every_column() -> None:
    [body] = re.findall(r":predict -d '(.*?)'", PAGE, re.DOTALL)
    [row] = json.loads(body)["instances"]
    schema = (ROOT / "schema/casting.pbtxt").read_text()
    columns = dict(re.findall(r'feature \{ name: "(\w+)".*? type: (\w+)', schema))
    assert row.keys() == columns.keys() - {"scrap"}
    for name, value in row.items():
        assert isinstance(value, str) == (columns[name] == "BYTES"), name
