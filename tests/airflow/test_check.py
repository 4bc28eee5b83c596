"""`beltline check airflow` against a real site: what is well, and what is found."""

import json
import shutil
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.docs.samples import shown, unlike
from tests.end_to_end.projects import casting

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pipeline(
    airflow: Airflow, metadata: str, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """A pipeline that was compiled and has not been run."""
    project = casting(beltline, tmp_path_factory.mktemp("check"), rows=500)
    pipeline = Deployed(airflow, project, metadata, dag="checked")
    pipeline.compile("--set", "name=checked")
    project.env["BELTLINE_AIRFLOW"] = airflow.rest.login()
    return pipeline


def check(pipeline: Deployed, *settings: str) -> dict[str, dict[str, Any]]:
    chosen = ("--set", "name=checked", *settings)
    result = pipeline.project("check", "airflow", "--json", *chosen)
    found = {each["check"]: each for each in json.loads(result.out)}
    assert (result.code == 2) == any(each["ok"] is False for each in found.values())
    return found


def bad(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, each in found.items() if not each["ok"]]


def test_where_all_is_well(pipeline: Deployed) -> None:
    found = check(pipeline)
    assert bad(found) == [], found
    asked_here = ["airflow", "health", "clock", "pool", "dag", "monitoring"]
    asked_there = ["task", "task clock", "libraries", "lock", "bundle", "root", "metadata"]
    assert {*asked_here, *asked_there} <= found.keys()
    assert found["metadata"]["text"] == "0 runs of checked"
    assert found["airflow"]["text"].startswith("Airflow 3.")


def test_it_prints_what_is_shown(pipeline: Deployed) -> None:
    """With the pool that isn't there; names of pipeline, machine and user are the page's own."""
    chosen = ("--set", "resources.Trainer.gpu=1", "--set", "airflow.gpu_pool=missing")
    hourly = ("--set", "airflow.monitoring_schedule=@hourly")
    result = pipeline.project("check", "airflow", "--set", "name=checked", *chosen, *hourly)
    sample = shown("beltline check airflow")
    for theirs, ours in (
        ("'gpu'", "'missing'"),
        ("set gpu 1", "set missing 1"),
        ("casting", "checked"),
        ("worker1", "…"),
        ("as airflow", "as …"),
    ):
        sample = sample.replace(theirs, ours)
    assert unlike(sample, result.text) == [], result.text


def test_a_pool_that_is_not_there_or_too_small(pipeline: Deployed) -> None:
    gpu = ("--set", "resources.Trainer.gpu=2")
    found = check(pipeline, *gpu)["pool"]
    assert found["ok"] is False and "1 slots" in found["text"]
    found = check(pipeline, *gpu, "--set", "airflow.gpu_pool=a100")["pool"]
    assert found["ok"] is False and "airflow pools set a100 2" in found["fix"]


def test_a_dag_that_is_paused(pipeline: Deployed) -> None:
    pipeline.airflow.rest.pause(pipeline.dag)
    assert bad(check(pipeline)) == ["dag"]
    pipeline.airflow.rest.pause(pipeline.dag, paused=False)


def test_a_monitoring_that_is_paused_though_it_has_a_schedule(pipeline: Deployed) -> None:
    rest, dag = pipeline.airflow.rest, f"{pipeline.dag}_monitor"
    hourly = ("--set", "airflow.monitoring_schedule=@hourly")
    assert check(pipeline, *hourly)["monitoring"]["text"] == dag
    rest.pause(dag)
    assert bad(check(pipeline, *hourly)) == ["monitoring"]
    assert check(pipeline)["monitoring"]["text"] == "has no schedule"
    rest.pause(dag, paused=False)


def test_what_a_task_finds_wrong(pipeline: Deployed) -> None:
    """The root lies below a file, and the metadata is a server that isn't there."""
    (pipeline.project.folder / "file").write_text("no folder")
    root = f"airflow.root={pipeline.project.folder / 'file/root'}"
    pipeline.compile("--set", "name=checked", "--set", root)
    assert bad(check(pipeline)) == ["root"]
    environment = f"airflow.environment={pipeline.project.folder / 'nowhere'}"
    pipeline.compile("--set", "name=checked", "--set", environment)
    found = check(pipeline)["task"]
    assert found["ok"] is False and "see the log" in found["fix"]


def test_a_site_that_does_not_answer_or_refuses_the_login(pipeline: Deployed) -> None:
    known = pipeline.project.env["BELTLINE_AIRFLOW"]
    try:
        pipeline.project.env["BELTLINE_AIRFLOW"] = "http://127.0.0.1:1"
        assert bad(check(pipeline)) == ["airflow", "rest"]
        pipeline.project.env["BELTLINE_AIRFLOW"] = known.replace("admin:", "admin:wrong")
        found = check(pipeline)["airflow"]
        assert found["ok"] is False and "rejected the login of admin" in found["text"]
        assert known.partition("admin:")[2].partition("@")[0] not in str(found)
    finally:
        pipeline.project.env["BELTLINE_AIRFLOW"] = known


ONE_TASK = """
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("{name}", schedule=None):
    BashOperator(task_id="task", bash_command="true")
"""


@pytest.fixture
def ten(pipeline: Deployed) -> Iterator[tuple[list[str], list[str]]]:
    """Ten pipelines in one Airflow, and ten DAGs of one task beside them."""
    pipeline.compile("--set", "name=checked")
    dags = pipeline.airflow.dags
    pipelines = [f"checked_{number}" for number in range(10)]
    plain = [f"plain_{number}" for number in range(10)]
    for name in plain:
        (dags / f"{name}.py").write_text(ONE_TASK.format(name=name))
    for name in pipelines:
        settings = ("--set", f"name={name}", "-o", dags / name)
        result = pipeline.project("compile", "airflow", *settings)
        assert result.code == 0, result.text
    for name in [*pipelines, *plain]:
        pipeline.airflow.rest.wait_until_parsed(name)
    yield pipelines, plain
    # First what Airflow parses: a DAG file without the modules beside it would be an import error,
    # which Airflow keeps until it looks for files again.
    parsed = [f"{name}.py" for name in plain] + [f"{name}/dag.py" for name in pipelines]
    for file in (dags / name for name in parsed):
        file.unlink()
    for name in pipelines:
        shutil.rmtree(dags / name)
    pipeline.airflow.rest.wait_until_all_parse()


@pytest.mark.long
def test_ten_pipelines_are_parsed_like_any_ten_dags(
    pipeline: Deployed, ten: tuple[list[str], list[str]]
) -> None:
    """What Airflow itself needs for each file is most of it, however busy this machine is."""

    def parsing(names: list[str]) -> float:
        rest = pipeline.airflow.rest
        found = [rest.call("GET", f"dags/{name}/details") for name in names]
        return sum(float(each["last_parse_duration"]) for each in found)

    rounds = []
    for _ in range(5):
        time.sleep(2)
        rounds.append([parsing(names) for names in ten])
    ours, plain = (statistics.median(each) for each in zip(*rounds, strict=True))
    print(f"ten pipelines {ours:.2f} s, ten DAGs of one task {plain:.2f} s")
    assert ours < 3 * plain
