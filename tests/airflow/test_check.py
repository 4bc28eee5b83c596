"""`beltline check airflow` against a real site: what is well, and what is found."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.end_to_end.projects import casting

pytestmark = pytest.mark.slow

TEN = 10


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
    asked_here = ["airflow", "health", "clock", "pool", "dag"]
    asked_there = ["task", "task clock", "libraries", "lock", "bundle", "root", "metadata"]
    assert {*asked_here, *asked_there} <= found.keys()
    assert found["metadata"]["text"] == "0 runs of checked"
    assert found["airflow"]["text"].startswith("Airflow 3.")


def test_a_pool_that_is_not_there_or_too_small(pipeline: Deployed) -> None:
    gpu = ("--set", "resources.Trainer.gpu=2")
    found = check(pipeline, *gpu)["pool"]
    assert found["ok"] is False and "1 slots" in found["text"]
    found = check(pipeline, *gpu, "--set", "airflow.gpu_pool=a100")["pool"]
    assert found["ok"] is False and "airflow pools set a100 2" in found["mend"]


def test_a_dag_that_is_paused(pipeline: Deployed) -> None:
    pipeline.airflow.rest.pause(pipeline.dag)
    assert bad(check(pipeline)) == ["dag"]
    pipeline.airflow.rest.pause(pipeline.dag, paused=False)


def test_what_a_task_finds_wrong(pipeline: Deployed) -> None:
    """The root lies below a file, and the metadata is a server that isn't there."""
    (pipeline.project.folder / "file").write_text("no folder")
    root = f"airflow.root={pipeline.project.folder / 'file/root'}"
    pipeline.compile("--set", "name=checked", "--set", root)
    assert bad(check(pipeline)) == ["root"]
    environment = f"airflow.environment={pipeline.project.folder / 'nowhere'}"
    pipeline.compile("--set", "name=checked", "--set", environment)
    found = check(pipeline)["task"]
    assert found["ok"] is False and "look into the log" in found["mend"]


def test_a_site_that_does_not_answer_or_refuses_the_login(pipeline: Deployed) -> None:
    known = pipeline.project.env["BELTLINE_AIRFLOW"]
    try:
        pipeline.project.env["BELTLINE_AIRFLOW"] = "http://127.0.0.1:1"
        assert bad(check(pipeline)) == ["airflow", "rest"]
        pipeline.project.env["BELTLINE_AIRFLOW"] = known.replace("admin:", "admin:wrong")
        found = check(pipeline)["airflow"]
        assert found["ok"] is False and "refuses the login of admin" in found["text"]
        assert known.partition("admin:")[2].partition("@")[0] not in str(found)
    finally:
        pipeline.project.env["BELTLINE_AIRFLOW"] = known


@pytest.fixture
def ten(pipeline: Deployed) -> Iterator[list[str]]:
    """Ten pipelines in one Airflow."""
    pipeline.compile("--set", "name=checked")
    names = [pipeline.dag]
    for number in range(TEN - 1):
        names.append(f"checked_{number}")
        folder = pipeline.airflow.dags / names[-1]
        settings = ("--set", f"name={names[-1]}", "-o", folder)
        result = pipeline.project("compile", "airflow", *settings)
        assert result.code == 0, result.text
    for name in names:
        pipeline.airflow.rest.wait_until_parsed(name)
    yield names


def test_a_round_of_parsing_ten_pipelines_takes_less_than_a_second(
    pipeline: Deployed, ten: list[str]
) -> None:
    """From the start of the first to the end of the last; the best of some rounds."""
    rounds = []
    for _ in range(10):
        time.sleep(1)
        found = [pipeline.airflow.rest.call("GET", f"dags/{name}/details") for name in ten]
        ends = [datetime.fromisoformat(each["last_parsed_time"]).timestamp() for each in found]
        took = [each["last_parse_duration"] for each in found]
        rounds.append(max(ends) - min(end - each for end, each in zip(ends, took, strict=True)))
    print(f"a round of {len(ten)} pipelines: {min(rounds):.2f} s")
    assert min(rounds) < 1
