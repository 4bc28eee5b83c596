"""Nodes that share a pod: their task, its pod, and how it ends by what the pod's log says."""

import json
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner

from beltline.runners.pods import task
from beltline.runners.pods.log_line import log_line
from tests.http_stub import serving
from tests.runners.airflow.airflow_process import GPU_NODE, compiled
from tests.runners.airflow.pods_stub import Cluster, PodsHandler, kubeconfig

pytestmark = pytest.mark.slow

CHOSEN = {"image": "i", "volume_claim": "c", "namespace": "ml"}
BEFORE, AFTER = "data-model", "release"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """By default: the Trainer asks for a GPU, and parts the others."""
    where = tmp_path_factory.mktemp("groups")
    chosen = {**CHOSEN, "groups": {}}
    return compiled(where, where="kubernetes", kubernetes=chosen, timeout_minutes=90)


@pytest.fixture(scope="module")
def tasks(airflow, folder):
    loaded = airflow.ask("load", folder)
    assert loaded["errors"] == {}
    return {each["id"]: each for each in loaded["tasks"]["line"]}


@pytest.fixture(scope="module")
def words(airflow, folder):
    """What the pod of the first group is told."""
    [container] = airflow.ask("pod", folder, node=BEFORE)["spec"]["containers"]
    return container["command"] + container["args"]


def test_a_task_is_a_group_with_the_edges_of_its_nodes(tasks):
    assert {name: each["upstream"] for name, each in tasks.items()} == {
        **{BEFORE: [], GPU_NODE: [BEFORE], AFTER: [GPU_NODE]},
        "Track": sorted([BEFORE, GPU_NODE, AFTER]),
    }


def test_each_node_has_its_time(tasks):
    limits = {name: each["limit"] for name, each in tasks.items() if name != "Track"}
    assert limits == {BEFORE: 4 * 90 * 60, GPU_NODE: 90 * 60, AFTER: 2 * 90 * 60}


def test_the_group_of_the_pusher_updates_the_asset_and_that_of_the_gpu_takes_its_slots(tasks):
    assert {name: each["outlets"] for name, each in tasks.items() if each["outlets"]} == {
        AFTER: ["beltline://line/model"]
    }
    assert tasks[GPU_NODE]["pool"] == ["gpu", 2]


def test_a_tasks_page_lists_its_nodes_and_its_gate(tasks):
    text = tasks[BEFORE]["text"]
    assert "| DataGate | Stops. |" in text and "| Transform | Learns. |" in text
    assert "- gate: DataGate (data): it can refuse" in text


def test_groups_that_are_chosen_may_be_named_as_parts_of_the_pipeline(airflow, tmp_path):
    groups = {"data": ["ExampleGen", "DataGate", "Schema"], "release": ["Champion", "Pusher"]}
    where = {"where": "kubernetes", "kubernetes": {**CHOSEN, "groups": groups}}
    loaded = airflow.ask("load", compiled(tmp_path, **where))
    assert loaded["errors"] == {}
    *found, last = loaded["tasks"]["line"]
    assert last["id"] == "Track"
    assert {each["id"]: each["upstream"] for each in found} == {
        **{"data": [], "Transform": ["data"]},
        **{"Trainer": ["Transform"], "release": ["Trainer"]},
    }


def test_the_pod_runs_the_nodes_of_the_group(words, folder, monkeypatch):
    """What the DAG asks for is what the program in the pod takes."""
    assert words[:3] == ["python", "-m", "beltline.runners.pods.task"]
    assert [word for before, word in pairwise(words) if before == "--node"] == [
        *("ExampleGen", "DataGate", "Schema", "Transform")
    ]
    asked: list[Any] = []
    monkeypatch.setattr(task, "run_group", lambda *given: asked.append(given) or 99)
    [bundle] = (folder / "bundles").iterdir()
    here = [str(bundle) if word == f"/beltline/bundles/{bundle.name}" else word for word in words]
    done = CliRunner().invoke(task.main, here[3:])
    assert done.exit_code == 99, done.output
    _, _, request, attempts = asked[0]
    assert (request.run, request.time_limit, attempts) == ("run-1", 90 * 60, None)
    assert request.nodes == ["ExampleGen", "DataGate", "Schema", "Transform"]
    assert request.parameters == {"data-path": "line.csv", "span": "latest", "steps": 0}


def line(node: str, state: str, reason: str = "", **outputs: Any) -> str:
    found = {"node": node, "state": state, "execution_id": 1, "outputs": outputs}
    return log_line(json.dumps({**found, "reason": reason, "seconds": 1.5}))


@pytest.fixture
def run(airflow, folder, tmp_path):
    """Runs a task whose pod logs these lines and ends so."""

    def call(name: str, exit_code: int, *lines: str, **given: Any) -> Any:
        phase = "Failed" if exit_code else "Succeeded"
        cluster = Cluster(new_phase=phase, exit_code=exit_code, log=lines)
        with serving(PodsHandler, cluster=cluster) as url:
            file = kubeconfig(tmp_path, url)
            ended = airflow.ask("pod_run", folder, node=name, cluster=file, **given)
        return ended | {"cluster": cluster}

    return call


PUSHED = {"pushed": 1, "pushed_version": "7", "pushed_destination": "/served/7"}


def test_its_value_has_the_result_of_each_node_and_the_event_the_version(run):
    pushed = {"uri": "/a/1", "type": "PushedModel", "properties": PUSHED}
    lines = [line("Champion", "done"), line("Pusher", "done", pushed_model=[pushed])]
    ended = run(AFTER, 0, *lines)
    assert ended["raised"] == "", ended["says"]
    states = {node: each["state"] for node, each in ended["result"].items()}
    assert states == {"Champion": "done", "Pusher": "done"}
    # Airflow keeps it, without a container beside the node's.
    assert ended["kept"] is True
    assert [len(each["containers"]) for each in ended["cluster"].specs] == [1]
    assert [each["version"] for each in ended["extras"]] == ["7"]
    assert ended["cluster"].pods == {}


def test_the_log_has_a_heading_where_another_node_writes_and_says_how_each_ended(run):
    """Nodes run concurrently."""
    at = "2026-11-29 06:00:00,123"
    ended = run(
        *(BEFORE, 0),
        f"{at} INFO ExampleGen/beltline.example_gen: 2000 rows",
        f"{at} INFO ExampleGen/beltline.node: written",
        f"{at} WARNING Schema/tfx.importer: odd",
        "and long",
        line("Schema", "done"),
        line("ExampleGen", "cached"),
        f"{at} INFO ExampleGen/beltline.node: closed",
    )
    told = [tuple(each) for each in ended["lines"]]
    shown = [each for each in told if each[1] in LOGGERS and each[0] != "DEBUG"]
    assert shown == [
        ("INFO", "beltline.airflow", "── ExampleGen ──"),
        ("INFO", "ExampleGen/beltline.example_gen", "2000 rows"),
        ("INFO", "ExampleGen/beltline.node", "written"),
        ("INFO", "beltline.airflow", "── Schema ──"),
        ("WARNING", "Schema/tfx.importer", "odd"),
        ("WARNING", "Schema/tfx.importer", "and long"),
        ("INFO", "beltline.airflow", "Schema done after 1.5 s"),
        ("INFO", "beltline.airflow", "ExampleGen cached after 1.5 s"),
        ("INFO", "beltline.airflow", "── ExampleGen ──"),
        ("INFO", "ExampleGen/beltline.node", "closed"),
    ]


LOGGERS = (
    *("beltline.airflow", "ExampleGen/beltline.example_gen", "ExampleGen/beltline.node"),
    "Schema/tfx.importer",
)


@pytest.mark.parametrize(
    ("exit_code", "lines", "raised", "says"),
    [
        # Transform may fail on the very data that the gate refuses.
        (
            1,
            [line("Transform", "failed", "odd"), line("DataGate", "refused", "too cold")],
            "AirflowFailException",
            "DataGate refused: too cold",
        ),
        (
            1,
            [line("ExampleGen", "done"), line("DataGate", "failed", "its process was killed")],
            "AirflowException",
            "DataGate failed: its process was killed",
        ),
        # The pod was killed.
        (137, [line("ExampleGen", "done")], "AirflowException", "returned a failure"),
        (
            99,
            [line("Schema", "done"), line("ExampleGen", "skipped", "no data for span 7")],
            "AirflowSkipException",
            "ExampleGen skipped: no data for span 7",
        ),
    ],
)
def test_the_first_node_in_the_pipelines_order_decides(run, exit_code, lines, raised, says):
    ended = run(BEFORE, exit_code, *lines)
    assert ended["raised"] == raised
    assert says in ended["says"]


def test_a_push_that_was_not_needed_is_skipped_and_updates_nothing(run):
    lines = [line("Champion", "done"), line("Pusher", "skipped", "version 6 is this model")]
    ended = run(AFTER, 99, *lines)
    assert (ended["raised"], ended["extras"]) == ("AirflowSkipException", [])
    assert ended["says"] == "Pusher skipped: version 6 is this model"


def test_a_model_gate_that_refuses_in_another_pod_leaves_a_warning(run):
    """Its task is done; those after it are skipped by the node runner."""
    blessing = {"uri": "/b", "type": "ModelBlessing", "properties": {"blessed": 0}}
    gate = line("Schema", "refused", "auc 0.5", blessing=[blessing])
    ended = run(BEFORE, 0, gate, line("Transform", "done"))
    assert ended["raised"] == ""
    said = "Schema refused; nothing is pushed: auc 0.5"
    assert ["WARNING", "beltline.airflow", said] in ended["lines"]


def test_a_model_gate_that_refuses_in_the_pod_of_the_pusher_is_why_it_is_skipped(run):
    blessing = {"uri": "/b", "type": "ModelBlessing", "properties": {"blessed": 0}}
    gate = line("Champion", "refused", "auc 0.5", blessing=[blessing])
    ended = run(AFTER, 99, gate, line("Pusher", "skipped", "Champion refused"))
    assert (ended["raised"], ended["extras"]) == ("AirflowSkipException", [])
    assert ended["says"] == "Champion refused: auc 0.5"


@pytest.mark.parametrize(
    ("force", "told"),
    [
        ([], []),
        (["Pusher"], []),
        (["DataGate", "Pusher", "Transform"], ["--force=DataGate,Transform"]),
        (["all"], ["--force=ExampleGen,DataGate,Schema,Transform"]),
    ],
)
def test_forced_are_those_of_the_group_that_are_named(run, force, told):
    [spec] = run(BEFORE, 0, line("ExampleGen", "done"), force=force)["cluster"].specs
    words = spec["containers"][0]["args"]
    assert [word for word in words if word.startswith("--force")] == told


def test_a_node_that_has_a_pod_of_its_own_runs_as_ever(run):
    found = {"node": GPU_NODE, "state": "done", "execution_id": 1, "outputs": {}, "reason": ""}
    ended = run(GPU_NODE, 0, json.dumps(found), force=["all"])
    assert ended["result"] == found
    [container] = ended["cluster"].specs[0]["containers"]
    assert container["args"][:2] == ["-m", "beltline.runners.node"]
    assert container["args"][-1] == "--force"
