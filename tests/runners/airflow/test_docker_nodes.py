import os

import pytest

from tests.runners.airflow.airflow_process import GPU_NODE, compiled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    docker = {
        "image": "example/beltline:1",
        "network": "host",
        "volumes": ["/srv/keys:/keys:ro", "/srv/out:/out"],
    }
    return compiled(tmp_path_factory.mktemp("containers"), where="docker", docker=docker)


@pytest.fixture(scope="module")
def plain(airflow, folder):
    return airflow.ask("container", folder, node="ExampleGen")


def test_the_dag_loads(airflow, folder):
    loaded = airflow.ask("load", folder)
    assert loaded["errors"] == {}
    assert {task["operator"] for task in loaded["tasks"]["line"]} == {"DockerNode"}


def test_the_container_runs_the_node_runner_without_a_shell(plain):
    assert plain["image"] == "example/beltline:1"
    assert plain["command"][:3] == ["python", "-m", "runners.node"]
    assert plain["command"][-8:] == [
        *("--run", "run-1"),
        *("--param", "data-path=line.csv", "--param", "span=latest", "--param", "steps=0"),
    ]
    assert plain["user"] == f"{os.getuid()}:{os.getgid()}"


def test_a_node_gets_what_it_asks_for_and_no_more(airflow, folder):
    host = airflow.ask("container", folder, node=GPU_NODE)["host"]
    assert host["NanoCpus"] == 1_500_000_000
    assert host["Memory"] == 2 * 2**30
    [request] = host["DeviceRequests"]
    assert (request["Count"], request["Capabilities"]) == (2, [["gpu"]])


def test_other_nodes_have_no_limits_and_no_gpu(plain):
    assert not {"NanoCpus", "Memory"} & {key for key, value in plain["host"].items() if value}
    assert not plain["host"].get("DeviceRequests")


def test_folders(plain, folder):
    places = folder.parents[1]
    found = {
        mount["Target"]: (mount["Source"], mount["ReadOnly"]) for mount in plain["host"]["Mounts"]
    }
    assert found == {
        str(folder / "bundles"): (str(folder / "bundles"), True),
        str(places / "data"): (str(places / "data"), True),
        str(places / "root"): (str(places / "root"), False),
        "/keys": ("/srv/keys", True),
        "/out": ("/srv/out", False),
    }


def test_a_container_has_no_more_rights_than_it_needs(plain):
    assert plain["host"]["SecurityOpt"] == ["no-new-privileges"]
    assert plain["host"]["CapDrop"] == ["ALL"]
    assert plain["host"]["NetworkMode"] == "host"
