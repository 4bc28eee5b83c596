"""`beltline check kubeflow` and `check airflow` against a real Kubernetes: findings are true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from beltline.runners.checks.cluster_retries import CONFIG_MAP
from tests.beltline_process import Beltline
from tests.cluster import configuration, objects
from tests.cluster.cluster import Cluster
from tests.cluster.node import ADDRESS
from tests.cluster.pods import Pods
from tests.end_to_end.projects import Project, casting
from tests.kubeflow import stub

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

NAMESPACE, KUBEFLOW = "checked", "kubeflow"
OF_THE_CLUSTER = ("namespace", "secrets", "account", "volume", "resources", "retries")
SETTINGS = (
    "kubeflow.image=127.0.0.1:1/beltline:1",
    f"kubeflow.namespace={NAMESPACE}",
    f"kubeflow.volume_claim={objects.CLAIM}",
    "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}}",
)


@pytest.fixture(scope="module")
def project(
    cluster: Cluster, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A project whose namespace has all that its settings name."""
    made = [objects.namespace(NAMESPACE), objects.namespace(KUBEFLOW)]
    made.append(objects.volume(NAMESPACE, tmp_path_factory.mktemp("checked")))
    made.append(objects.claim(NAMESPACE))
    made.append(objects.secret(NAMESPACE, "beltline", metadata="sqlite:///unused"))
    cluster.apply(*made, argo(policy="OnError"))
    found = casting(beltline, tmp_path_factory.mktemp("project"), rows=500)
    with stub.kubeflow() as kubeflow:
        found.env |= {"KUBECONFIG": str(cluster.kubeconfig), "BELTLINE_KUBEFLOW": kubeflow.url}
        yield found
    cluster("delete", "namespace", NAMESPACE, KUBEFLOW, "--timeout=90s")


def argo(policy: str) -> dict[str, Any]:
    """Returns the ConfigMap of Argo's controller, with that retry policy for every template."""
    defaults = {"templateDefaults": {"retryStrategy": {"retryPolicy": policy}}}
    metadata = {"name": CONFIG_MAP, "namespace": KUBEFLOW}
    data = {"workflowDefaults": yaml.safe_dump({"spec": defaults})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def findings(project: Project, *changes: str) -> dict[str, dict[str, Any]]:
    """Returns what is found of the cluster, by the check's name."""
    words = [word for each in (*SETTINGS, *changes) for word in ("--set", each)]
    result = project("check", "kubeflow", "--json", *words)
    found = {each["check"]: each for each in json.loads(result.out)}
    assert found["cluster"]["ok"] is True, result.text
    return {name: found[name] for name in OF_THE_CLUSTER}


def test_where_the_cluster_has_everything(project: Project) -> None:
    found = findings(project, "kubeflow.service_account=default", "resources.Trainer.memory=1Gi")
    assert [each["ok"] for each in found.values()] == [True] * len(found), found
    assert found["volume"]["text"] == "beltline, 10Gi"
    assert found["retries"]["text"].startswith("OnError")


def test_what_the_cluster_lacks_is_found_all_at_once(cluster: Cluster, project: Project) -> None:
    cluster.apply(argo(policy="Always"))
    found = findings(
        project,
        "kubeflow.secrets={beltline: {password: BELTLINE_METADATA}}",
        "kubeflow.service_account=trainer",
        "kubeflow.volume_claim=elsewhere",
        "resources.Trainer.gpu=1",
    )
    cluster.apply(argo(policy="OnError"))
    assert {name: each["ok"] for name, each in found.items()} == {
        **dict.fromkeys(OF_THE_CLUSTER, False),
        "namespace": True,
    }, found
    assert "has no key 'password'" in found["secrets"]["text"]
    assert "service account 'trainer' not found" in found["account"]["text"]
    assert "'elsewhere' not found" in found["volume"]["text"]
    assert "Trainer" in found["resources"]["text"]
    assert "starts whole tasks again" in found["retries"]["text"]


def test_a_namespace_that_is_not_there(project: Project) -> None:
    found = findings(project, "kubeflow.namespace=absent")
    assert found["namespace"]["ok"] is False
    assert "'absent' not found" in found["namespace"]["text"]


@pytest.mark.usefixtures("one_gpu")
def test_a_gpu_that_a_machine_has(project: Project) -> None:
    assert findings(project, "resources.Trainer.gpu=1")["resources"]["ok"] is True
    assert findings(project, "resources.Trainer.gpu=2")["resources"]["ok"] is False


def test_a_login_that_may_not_ask_is_told_which_right_it_lacks(
    cluster: Cluster, project: Project, tmp_path: Path
) -> None:
    token = cluster("-n", NAMESPACE, "create", "token", "default").strip()
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(configuration.kubeconfig(ADDRESS, token)))
    administrator = project.env["KUBECONFIG"]
    project.env["KUBECONFIG"] = str(file)
    found = findings(project)
    project.env["KUBECONFIG"] = administrator
    assert {name: each["ok"] for name, each in found.items()} == {
        **dict.fromkeys(OF_THE_CLUSTER, None),
        # Kubeflow's own account is not asked for.
        "account": True,
    }, found
    assert "not allowed to list nodes" in found["resources"]["text"]
    assert f"get secret beltline in the namespace {NAMESPACE}" in found["secrets"]["text"]


@pytest.mark.timeout(900)
def test_airflows_task_finds_what_a_pod_has(pods: Pods, first: str) -> None:
    found = pods.check()
    assert [name for name, each in found.items() if each["ok"] is False] == [], found
    # The pod's own user, which no machine's file of users has.
    assert found["task"]["text"].endswith("as beltline"), found["task"]
    runs = found["metadata"]["text"].split()
    assert int(runs[0]) >= 1 and runs[1:] == ["runs", "of", "casting"]
    assert found["root"]["ok"] is found["bundle"]["ok"] is found["lock"]["ok"] is True
