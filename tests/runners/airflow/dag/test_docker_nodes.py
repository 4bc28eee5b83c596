import json
import os
from dataclasses import replace

import pytest

from beltline.versions.live import live
from beltline.versions.push import hold
from beltline.versions.store import store_of
from tests.end_to_end.projects import casting
from tests.runners.airflow.airflow_process import GPU_NODE, PYTHON, WORKER, Airflow, compiled
from tests.runners.airflow.containers import ENDLESS, Line

pytestmark = pytest.mark.slow

# What somebody may type as the data's path.
HOSTILE = """"; touch HERE; $(touch HERE) `touch HERE` ' && {{ 7 * 7 }} --force.csv"""
# A user whom no image knows.
STRANGER = 4711
# Where a container finds its limits: version 2 of Linux's cgroups, else version 1.
CGROUPS = ("cpu.max", "memory.max", "cpu/cpu.cfs_quota_us", "memory/memory.limit_in_bytes")


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
    assert plain["command"][:3] == ["python", "-m", "beltline.runners.node"]
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
    paths = folder.parents[1]
    found = {
        mount["Target"]: (mount["Source"], mount["ReadOnly"]) for mount in plain["host"]["Mounts"]
    }
    assert found == {
        str(folder / "bundles"): (str(folder / "bundles"), True),
        str(paths / "data"): (str(paths / "data"), True),
        str(paths / "root"): (str(paths / "root"), False),
        "/keys": ("/srv/keys", True),
        "/out": ("/srv/out", False),
    }


def test_the_workers_database_goes_to_the_pipelines_that_read_it(airflow, plain, tmp_path):
    assert "BELTLINE_DATABASE" not in plain["environment"]
    docker = {"image": "example/beltline:1"}
    folder = compiled(tmp_path, where="docker", docker=docker, span="latest")
    found = airflow.ask("container", folder, node="ExampleGen")["environment"]
    assert found["BELTLINE_DATABASE"] == WORKER["BELTLINE_DATABASE"]


def test_the_workers_secrets_of_tools_go_along(plain):
    assert plain["environment"]["BELTLINE_WEBHOOK"] == WORKER["BELTLINE_WEBHOOK"]
    assert "OPENLINEAGE_API_KEY" not in plain["environment"]


def test_a_root_that_holds_the_data_too(airflow, tmp_path):
    paths = dict.fromkeys(("root", "data"), "/srv/line")
    folder = compiled(tmp_path, where="docker", docker={"image": "example/beltline:1"}, **paths)
    mounts = airflow.ask("container", folder, node="ExampleGen")["host"]["Mounts"]
    found = {mount["Target"]: mount["ReadOnly"] for mount in mounts}
    assert found == {str(folder / "bundles"): True, "/srv/line": False}
    assert len(mounts) == 2, "Docker refuses two of one target"


def test_a_container_has_no_more_rights_than_it_needs(plain):
    assert plain["host"]["SecurityOpt"] == ["no-new-privileges"]
    assert plain["host"]["CapDrop"] == ["ALL"]
    assert plain["host"]["NetworkMode"] == "host"


@pytest.fixture(scope="module")
def line(docker, base_image, beltline, tmp_path_factory):
    """A pipeline in containers of a bare image; its Airflow is another process."""
    if not PYTHON.exists():
        pytest.skip(".venv-airflow, Airflow's environment, is not here: `make setup-airflow`")
    place = tmp_path_factory.mktemp("line")
    project = casting(beltline, place / "project", rows=500)
    os.mkfifo(project.folder / ENDLESS)
    worker = Airflow(place, DOCKER_HOST=docker.host)
    line = Line(worker, docker, project, place / "dags")
    resources = ("resources.ExampleGen.cpu=1.5", "resources.ExampleGen.memory=2Gi")
    line.compile(base_image, *resources, "push.approval=required")
    yield line
    worker.close()


@pytest.fixture(scope="module")
def ended(line):
    """How a task has ended that went well."""
    return line.run("ExampleGen", "done")


class TestDone:
    def test_the_result_is_what_ml_metadata_says(self, line, ended):
        assert (ended["raised"], ended["says"]) == ("", ""), ended["lines"]
        execution = line.execution("done")
        assert execution.state == "complete"
        assert ended["result"]["execution_id"] == execution.execution_id
        [examples] = ended["result"]["outputs"]["examples"]
        assert examples == execution.outputs["examples"][0]
        rows = [examples["properties"][f"rows_{name}"] for name in ("train", "validation", "eval")]
        assert sum(rows) == 500

    def test_what_it_wrote_is_the_workers(self, line, ended):
        written = list(line.project.root.rglob("*"))
        assert any(file.name.endswith(".gz") for file in written)
        owners = {(file.stat().st_uid, file.stat().st_gid) for file in written}
        assert owners == {(os.getuid(), os.getgid())}

    def test_an_answer_is_carried_out(self, line, ended, tmp_path):
        served = line.project.root / "served" / "casting"
        (tmp_path / "saved_model.pb").touch()
        number = hold(tmp_path, served, {"run": "done"}).number
        answer = {"version": str(number), "verdict": "approved", "by": "Änn", "note": HOSTILE}
        left = {"Approval": {"return_value": answer}}
        decided = line.run("Decide", "done", left=left, force=["all"])
        assert (decided["raised"], decided["says"]) == ("", ""), decided["lines"]
        assert [event["version"] for event in decided["extras"]] == [str(number)]
        assert live(served) == number
        decision = store_of(served).state().decisions[number]
        assert (decision.by, decision.note) == ("Änn", HOSTILE)

    def test_lines_keep_their_levels(self, ended):
        [rows] = [line for line in ended["lines"] if line[2].startswith("rows: train")]
        assert rows[:2] == ["INFO", "beltline.examples"]
        [result] = [line for line in ended["lines"] if '"state": "done"' in line[2]]
        assert result[0] == "DEBUG"
        assert not [line for line in ended["lines"] if line[0] in ("ERROR", "CRITICAL")]

    def test_no_container_is_left(self, line, ended):
        assert line.container("done") == ""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_user_whom_the_image_does_not_know(line, base_image, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    os.chown(root, STRANGER, STRANGER)
    other = replace(line, folder=tmp_path / "dags")
    other.compile(base_image, f"airflow.docker.user={STRANGER}:{STRANGER}", f"airflow.root={root}")
    ended = other.run("Schema", "stranger")
    assert (ended["raised"], ended["says"]) == ("", ""), ended["lines"]
    [schema] = root.glob("artifacts/Schema/schema/*/schema.pbtxt")
    assert (schema.stat().st_uid, schema.stat().st_gid) == (STRANGER, STRANGER)


class TestEnd:
    def test_whatever_is_typed_is_a_path(self, line):
        made = line.project.root / "hacked"
        typed = HOSTILE.replace("HERE", str(made))
        ended = line.run("ExampleGen", "hostile", data_path=typed)
        assert ended["raised"] == "AirflowException"
        assert ended["says"].startswith(f"{line.project.folder}/{typed}: no data files found")
        execution = line.execution("hostile")
        assert (execution.state, execution.reason) == ("failed", ended["says"])
        assert not made.exists()

    def test_a_day_without_data_is_skipped(self, line):
        day = {"data_path": "{YYYY}-{MM}-{DD}.csv", "span": "2026-11-24"}
        ended = line.run("ExampleGen", "early", **day)
        assert ended["raised"] == "AirflowSkipException"
        assert ended["says"].startswith("no data for span 2026-11-24")
        assert line.state("early") == "canceled"

    def test_a_task_that_is_stopped_says_so(self, line):
        line.begin("stopped")
        line.airflow.stop()
        ended = line.airflow.answer()
        assert (ended["raised"], ended["says"]) == ("AirflowException", "stopped by SIGTERM")
        execution = line.execution("stopped")
        assert (execution.state, execution.reason) == ("failed", "stopped by SIGTERM")
        assert line.container("stopped") == ""


@pytest.fixture(scope="module")
def killed(line):
    """How a task has ended that was killed at work; and first, what its node may do there."""
    docker, container = line.docker, line.begin("killed")
    [bundle] = (line.folder / "bundles").iterdir()
    limits = f"cd /sys/fs/cgroup; cat {' '.join(CGROUPS)}"
    seen = {
        "host": json.loads(docker("inspect", container))[0]["HostConfig"],
        "rights": docker("exec", container, "cat", "/proc/1/status"),
        "limits": docker.ask("exec", container, "sh", "-c", limits).stdout.split(),
        "write": docker.ask("exec", container, "touch", bundle / "hacked").stderr,
    }
    docker("kill", "--signal=KILL", container)
    return seen | {"ended": line.airflow.answer()}


class TestKilled:
    def test_it_has_what_it_asked_for_and_no_more(self, killed):
        host = killed["host"]
        assert (host["NanoCpus"], host["Memory"]) == (1_500_000_000, 2 * 2**30)
        assert (host["SecurityOpt"], host["CapDrop"]) == (["no-new-privileges"], ["ALL"])
        assert {str(2 * 2**30), "150000"} <= set(killed["limits"])

    def test_it_has_no_rights(self, killed):
        rights = dict(line.split(":\t") for line in killed["rights"].splitlines())
        assert int(rights["CapEff"], 16) == int(rights["CapBnd"], 16) == 0
        assert rights["NoNewPrivs"] == "1"

    def test_it_can_not_change_what_it_runs(self, killed):
        assert "Read-only file system" in killed["write"]

    def test_its_task_fails_and_reconciles_ml_metadata(self, line, killed):
        ended, execution = killed["ended"], line.execution("killed")
        assert ended["raised"] == "AirflowException"
        assert "SIGKILL" in ended["says"]
        assert (execution.state, execution.reason) == ("failed", ended["says"])
        assert line.container("killed") == ""


def test_a_container_whose_task_was_killed_is_stopped_and_reconciled(line, tmp_path):
    """As the DAG processor does, which is another process."""
    killed = Airflow(tmp_path, DOCKER_HOST=line.docker.host)
    container = replace(line, airflow=killed).begin("orphan")
    killed.kill()
    assert line.container("orphan") == container
    line.airflow.ask("reconcile", line.folder, node="ExampleGen", run_id="orphan")
    assert line.container("orphan") == ""
    execution = line.execution("orphan")
    assert (execution.state, execution.reason) == ("failed", "stopped by SIGTERM")
