import shutil

import pytest

from tests.runners.airflow.airflow_process import ROOT, compiled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(airflow, tmp_path_factory):
    """The examples beside the pipeline that they go with."""
    folder = tmp_path_factory.mktemp("examples")
    compiled(folder, "casting", data_assets=["beltline://casting/data"])
    for file in (ROOT / "deploy/airflow").glob("example_*.py"):
        shutil.copy(file, folder / "dags")
    return airflow.ask("load", folder / "dags")


def test_they_load(loaded):
    assert loaded["errors"] == {}
    pipelines = {"casting", "casting_check", "casting_monitor"}
    assert set(loaded["dags"]) == pipelines | {"casting_new_data", "casting_after_push"}


def test_new_data_start_the_pipeline(loaded):
    outlets = [task["outlets"] for task in loaded["tasks"]["casting_new_data"]]
    assert [uri for uris in outlets for uri in uris] == ["beltline://casting/data"]
    assert "beltline://casting/data" in str(loaded["dags"]["casting"]["timetable"])


def test_a_push_starts_what_follows(loaded):
    [pushed] = [task["outlets"] for task in loaded["tasks"]["casting"] if task["outlets"]]
    assert pushed[0] in str(loaded["dags"]["casting_after_push"]["timetable"])
