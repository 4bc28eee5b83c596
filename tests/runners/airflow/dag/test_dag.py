import ast
import json
import sys
from pathlib import Path

import pytest

from tests.bundle.bundles import NODES
from tests.runners.airflow.airflow_process import GPU_NODE, ROOT, Airflow, compiled

DAG = ROOT / "runners/airflow/dag"
CONTAINERS = {"docker_nodes": {"docker"}, "kubernetes_nodes": {"kubernetes"}}
NAMES = ("dag", "nodes", "results", "bash_nodes", "monitoring", *CONTAINERS)
FILES = [DAG / f"{name}.py" for name in NAMES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("dag"), schedule="@daily", tags=["night"], retries=3)


@pytest.fixture(scope="module")
def loaded(airflow, folder):
    return airflow.ask("load", folder)


@pytest.fixture(scope="module")
def tasks(loaded):
    return {task["id"]: task for task in loaded["tasks"]["line"]}


def imported(file: Path) -> set[str]:
    """The outermost package of whatever a file imports when it is loaded."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_but_airflow_and_the_standard_library_is_imported(file):
    allowed = set(sys.stdlib_module_names) | {"airflow"} | CONTAINERS.get(file.stem, set())
    # For the type checker alone.
    allowed |= {"beltline"} if file.stem == "dag" else set()
    assert imported(file) <= allowed


@pytest.mark.slow
def test_the_folder_holds_the_pipeline_the_check_of_its_place_and_its_monitoring(loaded):
    assert loaded["errors"] == {}
    assert sorted(loaded["dags"]) == ["line", "line_check", "line_monitor"]
    # Neither the modules beside it nor the bundle are looked into.
    assert list(loaded["seconds"]) == ["dag.py"]


@pytest.mark.slow
def test_it_is_parsed_in_a_tenth_of_a_second(airflow, folder, loaded):
    # Of the processor: this machine may have other work. The first time imports Airflow's parts.
    assert loaded["errors"] == {}
    assert airflow.ask("load", folder)["processor_seconds"] < 0.1


@pytest.mark.slow
def test_a_task_for_each_node_with_the_manifests_edges(tasks):
    assert list(tasks) == [*(node.id for node in NODES), "Track"]
    found = {id: task for id, task in tasks.items() if id != "Track"}
    assert {id: task["upstream"] for id, task in found.items()} == {
        node.id: sorted(node.upstream) for node in NODES
    }
    assert {id: task["group"] for id, task in found.items()} == {
        node.id: node.role for node in NODES
    }


@pytest.mark.slow
def test_tasks_are_tried_again_with_growing_pauses_and_a_time_limit(tasks):
    task = tasks["Schema"]
    assert (task["retries"], task["delay"], task["factor"]) == (3, 60, 2.0)
    assert (task["longest_delay"], task["limit"]) == (30 * 60, 360 * 60)


@pytest.mark.slow
def test_only_gpu_nodes_take_slots_of_the_gpu_pool(tasks):
    pools = {id: task["pool"] for id, task in tasks.items()}
    assert pools.pop(GPU_NODE) == ["gpu", 2]
    assert set(map(tuple, pools.values())) == {("default_pool", 1)}


@pytest.mark.slow
def test_only_the_pusher_updates_the_models_asset(tasks):
    outlets = {id: task["outlets"] for id, task in tasks.items() if task["outlets"]}
    assert outlets == {"Pusher": ["beltline://line/model"]}


@pytest.mark.slow
def test_a_node_that_runs_after_skipped_ones_has_its_rule(airflow: Airflow, tmp_path, tasks):
    assert {task["rule"] for id, task in tasks.items() if id != "Track"} == {"all_success"}
    predict = {"path": "new.csv", "output": "p.csv"}
    loaded = airflow.ask("load", compiled(tmp_path, predict=predict))
    assert loaded["errors"] == {}
    found = {task["id"]: task for task in loaded["tasks"]["line"]}
    last = found.pop("BulkInferrer")
    assert (last["rule"], last["upstream"]) == ("none_failed", ["Pusher"])
    del found["Track"]
    assert {task["rule"] for task in found.values()} == {"all_success"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        {},
        {"where": "docker", "docker": {"image": "i"}},
        {"where": "kubernetes", "kubernetes": {"image": "i", "volume_claim": "c", "groups": {}}},
    ],
    ids=lambda each: each.get("where", "bash"),
)
def test_the_last_task_writes_the_report_however_the_others_end(airflow: Airflow, tmp_path, where):
    folder = compiled(tmp_path, **where)
    loaded = airflow.ask("load", folder)
    assert loaded["errors"] == {}
    *others, last = loaded["tasks"]["line"]
    assert (last["id"], last["rule"]) == ("Track", "all_done_setup_success")
    assert last["upstream"] == sorted(each["id"] for each in others)
    assert "Track" not in {each["id"] for each in others}


@pytest.mark.slow
def test_every_text_says_what_is_compiled(loaded, tasks, folder):
    digest = json.loads((folder / "deployment.json").read_text())["bundle"]
    text = loaded["dags"]["line"]["doc_md"]
    for part in (digest, "c0de", "0.1.0", "unlocked", '"name": "line"'):
        assert part in text
    assert "| `data_path` | `line.csv` |" in text
    assert tasks["DataGate"]["text"].startswith("Stops.")
    assert "gate: yes (data)" in tasks["DataGate"]["text"]
    assert "gate: no" in tasks["Trainer"]["text"]
    assert "cpu 1.5, memory 2Gi, gpu 2" in tasks["Trainer"]["text"]
    assert all(digest in task["text"] for id, task in tasks.items() if id != "Track")


@pytest.mark.slow
def test_tags(loaded):
    assert sorted(loaded["dags"]["line"]["tags"]) == ["beltline", "binary", "night"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "timetable"),
    [
        ({}, "NullTimetable"),
        ({"schedule": "0 3 * * *", "timezone": "Europe/Berlin"}, "CronTriggerTimetable"),
        ({"data_assets": ["file://line/parts"]}, "AssetTriggeredTimetable"),
        (
            {"schedule": "@daily", "data_assets": ["file://line/parts", "x-line://more"]},
            "AssetOrTimeSchedule",
        ),
    ],
)
def test_what_starts_it(airflow: Airflow, tmp_path, settings, timetable):
    loaded = airflow.ask("load", compiled(tmp_path, **settings))
    assert loaded["errors"] == {}
    assert loaded["schedule"]["line"] == timetable


@pytest.mark.slow
def test_two_pipelines_lie_side_by_side(airflow: Airflow, tmp_path):
    compiled(tmp_path, "one")
    compiled(tmp_path, "two", retries=7)
    loaded = airflow.ask("load", tmp_path / "dags")
    assert loaded["errors"] == {}
    retries = {name: tasks[0]["retries"] for name, tasks in loaded["tasks"].items()}
    assert retries == {
        **{"one": 2, "one_check": 0, "one_monitor": 2},
        **{"two": 7, "two_check": 0, "two_monitor": 7},
    }


@pytest.mark.slow
class TestForm:
    def test_what_is_typed_is_taken(self, airflow, folder):
        given = {"data_path": "in/{YYYY}/*.csv", "span": "2026-11-23", "steps": 5}
        assert airflow.ask("form", folder, given={**given, "force": ["Trainer"]})["params"] == {
            **given,
            "force": ["Trainer"],
        }

    def test_nothing_need_be_typed(self, airflow, folder):
        assert airflow.ask("form", folder, given={})["params"] == {
            "data_path": "line.csv",
            "span": "",
            "steps": 0,
            "force": [],
        }

    @pytest.mark.parametrize(
        "given",
        [
            {"data_path": ""},
            {"data_path": "a\nb"},
            {"data_path": "a\n"},
            {"data_path": "a\0"},
            {"data_path": 7},
            {"span": "yesterday"},
            {"span": "2026-11-23\n"},
            {"span": "1; touch x"},
            {"steps": -1},
            {"steps": "5"},
            {"steps": 1.5},
            {"force": ["Nobody"]},
            {"force": "Trainer"},
            {"force": ["Trainer", "Trainer"]},
        ],
    )
    def test_what_is_of_another_kind_is_refused(self, airflow, folder, given):
        [name] = given
        error = airflow.ask("form", folder, given=given)["error"]
        assert f"Invalid input for param {name}" in error

    def test_each_field_says_what_it_is(self, loaded):
        fields = loaded["dags"]["line"]["params"]
        assert all("description" in str(field) and "title" in str(field) for _, field in fields)
