"""A whole run by Airflow's real scheduler, its nodes in pods of a real Kubernetes."""

import re
from datetime import datetime
from pathlib import Path

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from tests.cluster.pods import NAMESPACE, Pods
from tests.end_to_end.projects import NODES, QUICK

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]


def test_a_whole_run_ends_well_in_airflow_and_in_ml_metadata(pods: Pods, first: str) -> None:
    assert first == "success", pods.deployed.story("first")
    assert pods.deployed.tasks("first") == dict.fromkeys(NODES, "success")
    assert pods.deployed.executions("first") == dict.fromkeys(NODES, "complete")


def test_the_version_is_on_the_volume(volume: Path, first: str) -> None:
    assert (volume / "served/casting/1/saved_model.pb").exists()


def test_no_pod_is_left(pods: Pods, first: str) -> None:
    assert pods.cluster("get", "pods", "-n", NAMESPACE, "-o", "name") == ""


def test_nodes_share_pods_where_groups_are_asked_for(pods: Pods, first: str) -> None:
    """Prints what the pods that are saved took."""
    pods.compile(groups={"release": ["Champion", "Evaluator", "ServingCheck", "Pusher"]})
    # Another sample of the same line: nothing is cached, and the model is another one.
    pyarrow.csv.write_csv(generate(2000, 9), pods.volume / "second.csv")
    ended = pods.deployed.run("shared", {"data_path": "second.csv"})
    assert ended == "success", pods.deployed.story("shared")
    assert pods.deployed.tasks("shared") == {"data-model": "success", "release": "success"}
    assert pods.deployed.executions("shared").keys() == {*NODES}
    assert pods.deployed.result("shared", "release")["Pusher"]["state"] == "done"
    assert "── Transform ──" in pods.log("shared", "data-model")
    for run in ("first", "shared"):
        tasks = pods.deployed.airflow.rest.instances("casting", run).values()
        tries = sum(each["try_number"] for each in tasks)
        print(f"{tries} pods: {wall_seconds(pods, run):.0f} s")
    print(f"{local_seconds(pods):.0f} s: the nodes of a local run, one after the other")


def local_seconds(pods: Pods) -> float:
    """Returns the seconds that all nodes of a local run took."""
    result = pods.deployed.project("run", *QUICK, "--set", "local.max_active_nodes=1")
    assert result.code == 0, result.text
    return sum(map(float, re.findall(r"^  \w+ +done +([\d.]+) s", result.out, re.MULTILINE)))


def wall_seconds(pods: Pods, run: str) -> float:
    """Returns how long a run took, as Airflow says."""
    found = pods.deployed.airflow.rest.call("GET", f"dags/casting/dagRuns/{run}")
    began, ended = (datetime.fromisoformat(found[key]) for key in ("start_date", "end_date"))
    return (ended - began).total_seconds()
