import json

import pytest

from tests.runners.airflow.airflow_process import GPU_NODE, compiled

pytestmark = pytest.mark.slow

CHOSEN = {
    "image": "example/beltline:1",
    "namespace": "ml",
    "service_account": "nodes",
    "volume_claim": "shared",
    "secret": "ledger",
    "node_selector": {"accelerator": "a100"},
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "labels": {"team": "line-a"},
    "startup_minutes": 45,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("pods"), where="kubernetes", kubernetes=CHOSEN)


@pytest.fixture(scope="module")
def plain(airflow, folder):
    return airflow.ask("pod", folder, node="ExampleGen")


@pytest.fixture(scope="module")
def with_gpu(airflow, folder):
    return airflow.ask("pod", folder, node=GPU_NODE)


def test_the_provider_still_calls_the_private_method_that_we_override(airflow, folder):
    found = airflow.ask("private_calls", folder)
    told = "the Kubernetes provider no longer logs by _log_message: see kubernetes_nodes.py"
    assert found["_log_message"], told


def test_the_dag_loads(airflow, folder):
    loaded = airflow.ask("load", folder)
    assert loaded["errors"] == {}
    assert {task["operator"] for task in loaded["tasks"]["line"]} == {"PodNode"}


def test_the_pod_runs_the_node_runner_without_a_shell(plain, folder):
    [container] = plain["spec"]["containers"]
    digest = json.loads((folder / "deployment.json").read_text())["bundle"]
    assert container["image"] == "example/beltline:1"
    assert container["command"] == ["python"]
    assert container["args"] == [
        *("-m", "beltline.runners.node", "--bundle", f"/beltline/bundles/{digest}"),
        *("--node", "ExampleGen", "--run", "run-1"),
        *("--param", "data-path=line.csv", "--param", "span=latest", "--param", "steps=0"),
    ]


def test_the_paths_are_on_the_volume_and_the_metadata_in_the_secret(plain):
    [container] = plain["spec"]["containers"]
    assert container["env"] == [
        {"name": "BELTLINE_ROOT", "value": "/beltline"},
        {"name": "BELTLINE_DATA", "value": "/beltline"},
    ]
    assert container["envFrom"] == [{"secretRef": {"name": "ledger"}}]
    mount, volume = container["volumeMounts"][0], plain["spec"]["volumes"][0]
    assert mount == {"mountPath": "/beltline", "name": volume["name"]}
    assert volume["persistentVolumeClaim"] == {"claimName": "shared"}


def test_beam_has_room_in_shared_memory(plain):
    [container] = plain["spec"]["containers"]
    mount, volume = container["volumeMounts"][1], plain["spec"]["volumes"][1]
    assert mount == {"mountPath": "/dev/shm", "name": volume["name"]}  # noqa: S108 - the pod's
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}


def test_the_image_may_be_in_a_private_registry(plain):
    assert plain["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert plain["spec"]["containers"][0]["imagePullPolicy"] == "Always"


def test_a_machine_that_is_added_and_a_large_image_are_waited_for(plain):
    assert plain["waits"] == {"schedule": 45 * 60, "start": 45 * 60}


def test_the_labels_name_pipeline_and_node_and_are_admitted_by_the_databases(plain):
    assert plain["metadata"]["labels"].items() >= {
        ("app.kubernetes.io/name", "beltline"),
        ("beltline/pipeline", "line"),
        ("beltline/task", "ExampleGen"),
        ("team", "line-a"),
    }


def test_a_pod_has_no_more_rights_than_it_needs(plain):
    spec = plain["spec"]
    [container] = spec["containers"]
    assert spec["serviceAccountName"] == "nodes"
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_gpu_node_gets_its_resources_on_a_machine_that_has_them(with_gpu):
    spec = with_gpu["spec"]
    wanted = {"cpu": "1.5", "memory": "2Gi", "nvidia.com/gpu": "2"}
    assert spec["containers"][0]["resources"] == {"requests": wanted, "limits": wanted}
    assert spec["nodeSelector"] == {"accelerator": "a100"}
    [toleration] = spec["tolerations"]
    assert toleration == {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def test_other_nodes_keep_off_those_machines(plain):
    assert not plain["spec"].get("tolerations")
    assert not plain["spec"].get("nodeSelector")
    assert not plain["spec"]["containers"][0]["resources"].get("limits")


def test_a_pod_ends_before_another_try_begins(plain):
    assert plain["spec"]["restartPolicy"] == "Never"
    assert plain["spec"]["terminationGracePeriodSeconds"] == 20
