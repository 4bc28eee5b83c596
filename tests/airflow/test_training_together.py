"""Airflow's Trainer leads processes on the workers of a Dask cluster."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beam_on_dask.dask_processes import Cluster
from tests.beltline_process import Beltline
from tests.end_to_end.projects import casting

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


def test_a_run_whose_model_two_workers_have_trained(
    airflow: Airflow, metadata: str, beltline: Beltline, cluster: Cluster, tmp_path: Path
) -> None:
    project = casting(beltline, tmp_path / "project", rows=2000)
    pipeline = Deployed(airflow, project, metadata, "together")
    pipeline.compile(
        *("--set", "name=together"),
        *("--set", "model.learners=[network,trees]", "--set", "training.workers=2"),
        *("--set", "beam.runner=dask", "--set", f"beam.dask.scheduler={cluster.address}"),
        *("--set", "beam.nodes={StatisticsGen: direct, Transform: direct, Evaluator: direct}"),
    )
    assert pipeline.run("first") == "success", pipeline.story("first")
    assert project.versions() == ["1"]
    log = airflow.rest.text("together", "first", "Trainer", 1)
    assert "2 processes train together, on 127.0.0.1" in log
    assert re.search(r"network 0\.\d+, weight [01]\.\d+; together 0\.\d+", log)
