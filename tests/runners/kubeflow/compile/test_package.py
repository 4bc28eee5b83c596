"""The compiled package by its meaning; how large it is, and how long it takes."""

import json
import os
import time
from pathlib import Path

import pytest
import yaml

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.base.settings.tracking import Tracking
from beltline.bundle import folder
from beltline.bundle.manifest import Node, Resources
from beltline.runners.kubeflow.compile import package, parts
from beltline.runners.kubeflow.compile.limits import ARGUMENT_BYTES, PACKAGE_BYTES, sizes
from beltline.runners.monitor import command as monitor
from beltline.runners.paths import BEAM, TRACKING
from tests.bundle.bundles import NODES, PARAMETERS, manifest
from tests.kubeflow.meaning import documents, meaning
from tests.kubeflow.packages import MONITORING, compiled, settings
from tests.kubeflow.stub_routes import check_package

# Kubeflow's compiler takes seconds for each package.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
GOLDEN = Path(__file__).with_name("golden.yaml")
# Every setting that comes into a package, at another value than its own.
CHOSEN = {
    "image": "registry.example.com/beltline:1",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "volume_claim": "shared",
    "mount_path": "/volume",
    "root": "/volume/root",
    "data": "/volume/in",
    "secrets": {
        "beltline": {"metadata": "BELTLINE_METADATA"},
        "store": {"key": "STORE_KEY", "id": "STORE_ID"},
    },
    "accelerator": "amd.com/gpu",
    "node_selector": {"pool": "gpu"},
    "tolerations": ["amd.com/gpu", "spot"],
    "labels": {"team": "foundry"},
    "user": 1234,
    "group": 2345,
    "retries": 3,
    "retrain_pause_hours": 6,
    "retry_delay_seconds": 20,
    "timeout_minutes": 90,
}
TRAINER = Node(
    id="Trainer",
    role="model",
    does="Trains.",
    upstream=("Transform",),
    resources=Resources(cpu=3.5, memory="12Gi", gpu=2),
)
SMALL = Node(id="Schema", role="data", does="Knows.", resources=Resources(cpu=0.25, memory="500Mi"))


def many_nodes(count):
    """Nodes, each after three others, a third of them with a GPU."""
    nodes = [
        Node(
            id=f"Node{number}",
            role="model",
            does="Works.",
            upstream=tuple(f"Node{each}" for each in range(number - 3, number) if each >= 0),
            resources=Resources(cpu=2, memory="4Gi", gpu=int(number % 3 == 0)),
        )
        for number in range(count)
    ]
    return manifest(nodes=tuple(nodes))


def packed(parent, nodes=NODES, parameters=PARAMETERS, **changes):
    made = manifest(nodes=nodes, parameters=parameters)
    bundle = folder.write(parent / "bundles", made, b"pipeline", b"code")
    return package.write(parent, bundle, settings(**changes))


def test_a_cluster_for_beam_goes_to_the_nodes_alone(tmp_path):
    made = manifest(nodes=NODES, parameters=PARAMETERS)
    bundle = folder.write(tmp_path / "bundles", made, b"pipeline", b"code")
    beam = Beam.model_validate({"runner": "dask", "dask": {"scheduler": "tcp://dask:8786"}})
    file = package.write(tmp_path, bundle, settings(), beam)
    given = environments(file)
    having = {
        name: Beam.model_validate_json(env[BEAM]) for name, env in given.items() if BEAM in env
    }
    assert having and all(each == beam for each in having.values())
    assert given.keys() - having.keys() == {"unpack", "report"}
    without = package.write(tmp_path, bundle, settings())
    assert BEAM not in without.read_text()


def test_the_store_of_artifacts_goes_to_every_task(tmp_path):
    made = manifest(nodes=NODES, parameters=PARAMETERS)
    bundle = folder.write(tmp_path / "bundles", made, b"pipeline", b"code")
    file = package.write(tmp_path, bundle, settings(), artifacts="s3://bucket/prefix")
    given = environments(file)
    assert {env.get("BELTLINE_ARTIFACTS") for env in given.values()} == {"s3://bucket/prefix"}


def environments(file):
    """The variables of each task of a package."""
    spec = next(yaml.safe_load_all(file.read_text()))
    return {
        name.removeprefix("exec-"): {
            each["name"]: each["value"] for each in executor["container"].get("env", [])
        }
        for name, executor in spec["deploymentSpec"]["executors"].items()
    }


def test_the_tools_that_are_told_go_to_every_task_that_tells(tmp_path):
    made = manifest(nodes=NODES, parameters=PARAMETERS)
    bundle = folder.write(tmp_path / "bundles", made, b"pipeline", b"code")
    tracking = Tracking.model_validate({"webhook": {"events": ["drift", "failed"]}})
    secrets = {**settings().secrets, "hook": {"url": "BELTLINE_WEBHOOK"}}
    chosen = settings(secrets=secrets)
    file = package.write(tmp_path, bundle, chosen, tracking=tracking)
    given = environments(file)
    assert TRACKING not in given.pop("unpack")
    for env in given.values():
        assert Tracking.model_validate_json(env[TRACKING]) == tracking
    watch = package.write_monitor(tmp_path, bundle, chosen, {"min_rows": 500}, tracking=tracking)
    assert TRACKING in environments(watch)["monitor"]
    # Of all secrets the webhook's alone.
    assert list(meaning(watch)["tasks"]["monitor"]["secrets"]) == ["hook"]


def test_its_meaning_is_the_golden_one(tmp_path):
    nodes = [{"Trainer": TRAINER, "Schema": SMALL}.get(node.id, node) for node in NODES]
    file = packed(tmp_path, tuple(nodes), **CHOSEN)
    found = meaning(file)
    # The bundle within it has a test of its own, and its name follows from its contents.
    [bundle] = (tmp_path / "bundles").iterdir()
    found["tasks"]["unpack"]["args"][-1] = "BUNDLE"
    read = json.loads(json.dumps(found).replace(bundle.name, "DIGEST"))
    assert read == yaml.safe_load(GOLDEN.read_text())["package"]


def test_both_documents_are_what_kubeflow_knows(tmp_path):
    check_package(packed(tmp_path, **CHOSEN).read_text())


def test_a_gpu_is_asked_for_where_one_is_used_and_nowhere_else(tmp_path):
    file = packed(tmp_path, (*NODES[:4], TRAINER, *NODES[5:]), **CHOSEN)
    tasks = meaning(file)["tasks"]
    assert tasks["trainer"]["resources"]["gpu"] == ["amd.com/gpu", "2"]
    assert tasks["trainer"]["selector"] == {"pool": "gpu"}
    others = {name: task for name, task in tasks.items() if name != "trainer"}
    assert set(others) == {"data-model", "release", "unpack", "report"}
    for task in others.values():
        assert "gpu" not in task["resources"]
        assert (task["selector"], task["tolerations"]) == ({}, [])


def test_ids_that_kubeflow_writes_alike_stay_apart(tmp_path):
    """Kubeflow's names of tasks know no capitals and no underscores."""
    ids = ("Train_A", "train-a", "TrainA", "trainA")
    gpu = Resources(gpu=1)
    nodes = tuple(Node(id=each, role="model", does="Works.", resources=gpu) for each in ids)
    tasks = meaning(packed(tmp_path, nodes))["tasks"]
    given = [task["args"] for name, task in tasks.items() if name not in ("unpack", "report")]
    assert sorted(args[args.index("--node") + 1] for args in given) == sorted(ids)


def test_a_bundle_on_the_volume_is_not_in_the_package(tmp_path):
    tasks = meaning(packed(tmp_path, bundle="volume"))["tasks"]
    assert "unpack" not in tasks
    assert tasks["nodes"]["after"] == []


def test_without_retries_there_is_no_policy(tmp_path):
    tasks = meaning(packed(tmp_path, retries=0))["tasks"]
    assert {json.dumps(task["retry"]) for task in tasks.values()} == {"{}"}


def test_the_same_bundle_gives_the_same_package(tmp_path):
    first, second = (packed(tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("key", ["image", "volume_claim", "secrets"])
def test_what_a_pod_needs_must_be_said(key):
    with pytest.raises(WrongInput, match=rf"^kubeflow\.{key}: "):
        package.check(settings(**{key: {} if key == "secrets" else None}))


def test_a_bundle_that_is_too_large_goes_to_the_volume(tmp_path):
    bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", os.urandom(100_000))
    with pytest.raises(WrongInput, match="set `bundle: volume`, and copy") as error:
        package.write(tmp_path, bundle, settings())
    assert f"/beltline/bundles/{bundle.path.name}" in str(error.value)
    assert package.write(tmp_path, bundle, settings(bundle="volume")).exists()


def test_what_is_left_after_a_failure_is_the_package_that_was_there(tmp_path):
    before = compiled(tmp_path)
    text = before.read_text()
    bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", os.urandom(100_000))
    with pytest.raises(WrongInput):
        package.write(tmp_path, bundle, settings())
    assert before.read_text() == text
    assert [path.name for path in tmp_path.glob(".*")] == []


def compiling(parent, count):
    """Compiles a package of so many nodes, with a bundle that just fits; the seconds of its CPU."""
    made = many_nodes(count)
    bundle = folder.write(parent / "bundles", made, b"pipeline", os.urandom(34_000))
    began = time.process_time()
    package.write(parent, bundle, settings(**CHOSEN))
    return time.process_time() - began


@pytest.mark.slow
def test_many_nodes_take_a_megabyte_at_most_and_each_no_longer_than_of_few(tmp_path):
    nodes = 200
    compiling(tmp_path, 1)
    few, many = compiling(tmp_path, nodes // 4), compiling(tmp_path, nodes)
    found = sizes(tmp_path / package.PACKAGE)
    print(f"\n{nodes // 4} nodes: {few:.1f} s, {nodes} nodes: {many:.1f} s, {found}")
    assert many / nodes < 2 * few / (nodes // 4)
    assert found.package < PACKAGE_BYTES
    assert found.argument < ARGUMENT_BYTES
    tasks = meaning(tmp_path / package.PACKAGE)["tasks"]
    # Every third node has a GPU and so a pod of its own; those between share one.
    assert len(tasks) == 2 + len(range(0, nodes, 3)) + len(range(1, nodes, 3))


def test_a_secret_is_there_by_name_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_METADATA", "mysql://beltline:planted-password@db/metadata")
    monkeypatch.setenv("STORE_KEY", "planted-key")
    file = packed(tmp_path, **CHOSEN)
    given = {name: set(task["secrets"]) for name, task in meaning(file)["tasks"].items()}
    # It writes the bundle, and asks nobody.
    assert given.pop("unpack") == set()
    assert all(names == {"beltline", "store"} for names in given.values())
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"planted" not in path.read_bytes()


def monitored(parent, monitoring=None, **changes):
    """The package of the monitoring."""
    bundle = folder.write(parent / "bundles", manifest(), b"pipeline", b"code")
    wanted = monitoring or {"min_rows": 500}
    return package.write_monitor(parent, bundle, settings(**changes), wanted)


class TestMonitoring:
    def test_its_task_is_the_golden_one(self, tmp_path):
        found = meaning(monitored(tmp_path, **CHOSEN))
        assert found["name"] == "line-monitor"
        assert found["tasks"]["monitor"] == yaml.safe_load(GOLDEN.read_text())["monitor"]

    def test_the_rest_is_the_pipelines_package(self, tmp_path):
        """A retrain is a run like any other: the same tasks, and their parameters' defaults."""
        whole, found = meaning(packed(tmp_path, **CHOSEN)), meaning(monitored(tmp_path, **CHOSEN))
        assert found["parameters"] == whole["parameters"]
        assert found["tasks"].pop("monitor")
        assert found["tasks"]["report"]["args"].pop() == "--monitored"
        assert found["tasks"] == whole["tasks"]

    def test_the_nodes_wait_for_an_alarm(self, tmp_path):
        pipeline, _ = documents(monitored(tmp_path))
        # Outermost, as Kubeflow wants it, and so also after a failure of the monitoring itself.
        assert sorted(pipeline["root"]["dag"]["tasks"]) == ["exit-handler-1", "report"]
        inner = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
        assert sorted(inner) == ["condition-2", "monitor"]
        condition = inner["condition-2"]
        assert condition["dependentTasks"] == ["monitor"]
        assert condition["triggerPolicy"]["condition"] == (
            "inputs.parameter_values['pipelinechannel--monitor-alarm'] == 'yes'"
        )
        asked = condition["inputs"]["parameters"]["pipelinechannel--monitor-alarm"]
        assert asked["taskOutputParameter"] == {
            "outputParameterKey": "alarm",
            "producerTask": "monitor",
        }
        retrain = pipeline["components"]["comp-condition-2"]["dag"]["tasks"]
        assert sorted(retrain) == ["nodes", "unpack"]

    def test_both_documents_are_what_kubeflow_knows(self, tmp_path):
        check_package(monitored(tmp_path, **CHOSEN).read_text())

    def test_limits_reach_it_as_they_are_and_change_no_bundle(self, tmp_path):
        for rows in (500, 900):
            wanted = {**MONITORING, "min_rows": rows}
            args = meaning(monitored(tmp_path, wanted))["tasks"]["monitor"]["args"]
            [word] = [each for each in args if each.startswith("--watch=")]
            assert json.loads(word.removeprefix("--watch=")) == wanted
        assert len(list((tmp_path / "bundles").iterdir())) == 1

    def test_a_bundle_on_the_volume_is_not_in_it(self, tmp_path):
        assert "unpack" not in meaning(monitored(tmp_path, bundle="volume"))["tasks"]

    def test_what_it_writes_is_what_the_condition_waits_for(self):
        assert monitor.YES == parts.YES
