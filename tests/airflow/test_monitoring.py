"""The real scheduler watches a served model: drift starts a retrain, once; nothing else does."""

import shutil
from typing import Any

import pyarrow as pa
import pytest

from tests import sampled
from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, casting

pytestmark = pytest.mark.slow

NAME = "watched"
MONITOR = f"{NAME}_monitor"
NOTHING = {"Monitor": "skipped", "Retrain": "skipped"}


@pytest.fixture(scope="module")
def pipeline(
    airflow: Airflow, metadata: str, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """A pipeline in Airflow, with a version that its first run has pushed."""
    project = casting(beltline, tmp_path_factory.mktemp("monitoring"), rows=2000)
    pipeline = Deployed(airflow, project, metadata, dag=NAME)
    pipeline.compile("--set", f"name={NAME}")
    assert pipeline.run("first") == "success", pipeline.story("first")
    return pipeline


def ask(pipeline: Deployed, requests: pa.Table) -> None:
    """Samples these requests, and none else."""
    shutil.rmtree(pipeline.project.root / "requests", ignore_errors=True)
    sampled.sample(pipeline.project.root, requests, name=NAME)


def watch(pipeline: Deployed, run: str) -> dict[str, str]:
    """Runs the monitoring to its end, and returns the states of its tasks."""
    rest = pipeline.airflow.rest
    rest.trigger(MONITOR, run)
    rest.wait(MONITOR, run)
    return rest.tasks(MONITOR, run)


def log(pipeline: Deployed, run: str, task: str) -> str:
    return pipeline.airflow.rest.text(MONITOR, run, task)


def runs(pipeline: Deployed) -> list[dict[str, Any]]:
    found = pipeline.airflow.rest.call("GET", f"dags/{pipeline.dag}/dagRuns", limit=100)
    return list(found["dag_runs"])


def test_before_the_first_request_nothing_is_to_do(pipeline: Deployed) -> None:
    assert watch(pipeline, "early") == NOTHING
    assert "no request samples yet" in log(pipeline, "early", "Monitor")


def test_requests_like_the_training_rows_start_nothing(pipeline: Deployed) -> None:
    ask(pipeline, sampled.as_trained())
    assert watch(pipeline, "quiet") == NOTHING
    assert "no alarm in 600 rows of version 1" in log(pipeline, "quiet", "Monitor")
    assert [run["dag_run_id"] for run in runs(pipeline)] == ["first"]


def test_drift_starts_a_retrain_and_one_only(pipeline: Deployed) -> None:
    ask(pipeline, sampled.drifted())
    assert watch(pipeline, "drift") == {"Monitor": "success", "Retrain": "success"}
    found = pipeline.airflow.rest.result(MONITOR, "drift", "Monitor")
    assert any("M09" in alarm for alarm in found["alarms"])
    assert (pipeline.project.root / f"monitoring/{NAME}.html").exists()
    rest = pipeline.airflow.rest
    assert rest.wait(pipeline.dag, "drift__drift") == "success", pipeline.story("drift__drift")
    # It reads the latest data; here these are the same, so that nothing is learned or pushed.
    assert set(pipeline.tasks("drift__drift")) == {*NODES, "Track"}
    [retrain] = [run for run in runs(pipeline) if run["dag_run_id"] != "first"]
    assert retrain["logical_date"] is None
    assert pipeline.project.versions() == ["1"]
    # The drift is still there, and the same version has raised its alarm.
    assert watch(pipeline, "again") == NOTHING
    assert "version 1 raised an alarm at" in log(pipeline, "again", "Monitor")
    assert len(runs(pipeline)) == 2


@pytest.mark.long
def test_no_run_is_queued_behind_another(pipeline: Deployed) -> None:
    ask(pipeline, sampled.drifted())
    rest, before = pipeline.airflow.rest, len(runs(pipeline))
    (pipeline.project.root / f"monitoring/{NAME}.alarm.json").unlink()
    rest.pause(pipeline.dag)
    rest.trigger(pipeline.dag, "waiting")
    assert watch(pipeline, "busy") == {"Monitor": "success", "Retrain": "skipped"}
    assert f"a run of {NAME} is already in progress" in log(pipeline, "busy", "Retrain")
    assert len(runs(pipeline)) == before + 1
    rest.pause(pipeline.dag, paused=False)
    assert rest.wait(pipeline.dag, "waiting") == "success"
