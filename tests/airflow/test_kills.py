"""Whatever is killed, the real Airflow and ML Metadata end in the right states, and agree.

Every run here trains anew (`force`), on results of the nodes before it that are cached.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from runners.metadata import Lineage, NodeRun
from serving.versions import versions
from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.end_to_end.projects import casting

pytestmark = pytest.mark.slow

TRAIN = {"force": ["Trainer"]}


@pytest.fixture(scope="module")
def pipeline(
    airflow: Airflow, metadata: str, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """A pipeline in Airflow whose first run has ended."""
    project = casting(beltline, tmp_path_factory.mktemp("kills"), rows=1500)
    pipeline = Deployed(airflow, project, metadata, dag="kills")
    pipeline.compile("--set", "name=kills")
    assert pipeline.run("first") == "success", pipeline.story("first")
    return pipeline


@pytest.fixture(autouse=True)
def nothing_is_left_running(pipeline: Deployed) -> Any:
    yield
    wait_for(lambda: "running" not in states(pipeline), "ML Metadata has nothing running")
    folder = pipeline.project.root / "served/kills"
    whole = [str(version.number) for version in versions(folder)]
    assert whole == served(pipeline), "a version is pushed whole or not at all"


def attempts(pipeline: Deployed, run: str, node: str = "Trainer") -> list[NodeRun]:
    """The executions of a node in a run, oldest first."""
    found = Lineage(pipeline.metadata, pipeline.dag).nodes(run)
    return [each for each in found if each.node == node]


def served(pipeline: Deployed) -> list[str]:
    """The numbers of the folders that a server would look into."""
    return sorted(filter(str.isdecimal, pipeline.project.versions()), key=int)


def states(pipeline: Deployed) -> set[str]:
    lineage = Lineage(pipeline.metadata, pipeline.dag)
    return {each.state for run in lineage.runs() for each in lineage.nodes(run)}


def wait_for(done: Callable[[], Any], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def in_training(pipeline: Deployed, run: str) -> None:
    """Starts a run and returns when its Trainer is at work."""
    pipeline.airflow.rest.trigger(pipeline.dag, run, TRAIN)
    wait_for(lambda: "running" in [each.state for each in attempts(pipeline, run)], "training")


def worker(pipeline: Deployed) -> psutil.Process:
    """The warm worker, which is nobody's child but its own nodes' parent."""
    found = pipeline.airflow.warm_workers()
    [parent] = [each for each in found if each.ppid() not in [other.pid for other in found]]
    return parent


def node(pipeline: Deployed) -> psutil.Process:
    """The one node that is at work."""
    [child] = worker(pipeline).children()
    return child


def ends_well_at_the_second_attempt(pipeline: Deployed, run: str) -> None:
    assert pipeline.airflow.rest.wait(pipeline.dag, run) == "success", pipeline.story(run)
    assert [each.state for each in attempts(pipeline, run)] == ["failed", "complete"]
    assert pipeline.airflow.rest.instances(pipeline.dag, run)["Trainer"]["try_number"] == 2


def test_a_node_that_is_killed_is_tried_again(pipeline: Deployed) -> None:
    in_training(pipeline, "node")
    node(pipeline).kill()
    ends_well_at_the_second_attempt(pipeline, "node")
    assert "SIGKILL" in attempts(pipeline, "node")[0].reason


def test_a_client_that_is_killed_takes_its_node_along(pipeline: Deployed) -> None:
    in_training(pipeline, "client")
    [client] = pipeline.airflow.nodes("Trainer")
    client.kill()
    ends_well_at_the_second_attempt(pipeline, "client")


def test_the_warm_worker_is_killed(pipeline: Deployed) -> None:
    in_training(pipeline, "warm-worker")
    before = worker(pipeline)
    before.kill()
    ends_well_at_the_second_attempt(pipeline, "warm-worker")
    assert worker(pipeline) != before


def test_airflows_worker_is_killed(pipeline: Deployed) -> None:
    """The process of Airflow's executor that watches over the task."""
    in_training(pipeline, "executor")
    [watching] = [each for each in pipeline.airflow.workers() if each.children()]
    watching.kill()
    ends_well_at_the_second_attempt(pipeline, "executor")


def test_everything_that_runs_the_node_is_killed_at_once(pipeline: Deployed) -> None:
    """As when the power fails: nobody is left to mark the execution, but Airflow's callback."""
    in_training(pipeline, "power")
    doomed = [
        *(each for each in pipeline.airflow.workers() if each.children()),
        *pipeline.airflow.tasks(),
        *pipeline.airflow.nodes("Trainer"),
        worker(pipeline),
        node(pipeline),
    ]
    for process in doomed:
        os.kill(process.pid, signal.SIGSTOP)
    for process in doomed:
        os.kill(process.pid, signal.SIGKILL)
    ends_well_at_the_second_attempt(pipeline, "power")


def test_the_scheduler_is_killed_and_started_again(pipeline: Deployed) -> None:
    in_training(pipeline, "scheduler")
    pipeline.airflow.kill("scheduler")
    pipeline.airflow.start_component("scheduler")
    assert pipeline.airflow.rest.wait(pipeline.dag, "scheduler") == "success"
    assert attempts(pipeline, "scheduler")[-1].state == "complete"


def test_a_failing_node_has_a_retry_left(pipeline: Deployed) -> None:
    """The data arrive between the first attempt and the second."""
    late = pipeline.project.folder / "late.csv"
    pipeline.airflow.rest.trigger(pipeline.dag, "retry", {"data_path": "late.csv"})
    wait_for(lambda: attempts(pipeline, "retry", "ExampleGen"), "the first attempt")
    wait_for(lambda: attempts(pipeline, "retry", "ExampleGen")[0].state == "failed", "its failure")
    late.write_bytes((pipeline.project.folder / "casting.csv").read_bytes())
    assert pipeline.airflow.rest.wait(pipeline.dag, "retry") == "success", pipeline.story("retry")
    found = [each.state for each in attempts(pipeline, "retry", "ExampleGen")]
    assert found[0] == "failed" and found[-1] in ("complete", "cached")


def test_marked_failed_in_the_ui_then_cleared(pipeline: Deployed) -> None:
    before = served(pipeline)
    in_training(pipeline, "marked")
    pipeline.airflow.rest.mark(pipeline.dag, "marked", "Trainer", "failed")
    wait_for(lambda: attempts(pipeline, "marked")[0].state == "failed", "the node is stopped", 30)
    assert "SIGTERM" in attempts(pipeline, "marked")[0].reason
    assert pipeline.airflow.rest.wait(pipeline.dag, "marked") == "failed"
    assert pipeline.tasks("marked")["Pusher"] == "upstream_failed"
    assert served(pipeline) == before
    pipeline.airflow.rest.clear(pipeline.dag, "marked", "Trainer")
    assert pipeline.airflow.rest.wait(pipeline.dag, "marked") == "success"
    assert [each.state for each in attempts(pipeline, "marked")] == ["failed", "complete"]


def test_a_node_without_a_retry_left_fails_the_run(pipeline: Deployed) -> None:
    pipeline.compile("--set", "name=kills", "--set", "airflow.retries=0")
    in_training(pipeline, "no-retry")
    node(pipeline).kill()
    assert pipeline.airflow.rest.wait(pipeline.dag, "no-retry") == "failed"
    assert [each.state for each in attempts(pipeline, "no-retry")] == ["failed"]
    assert pipeline.tasks("no-retry")["Evaluator"] == "upstream_failed"


def test_two_runs_share_one_gpu(pipeline: Deployed) -> None:
    settings = ("name=kills", "airflow.max_active_runs=2", "resources.Trainer.gpu=1")
    pipeline.compile(*(word for setting in settings for word in ("--set", setting)))
    assert pipeline.airflow.rest.slots("gpu") == 1
    for run in ("gpu-1", "gpu-2"):
        pipeline.airflow.rest.trigger(pipeline.dag, run, TRAIN)
    for run in ("gpu-1", "gpu-2"):
        assert pipeline.airflow.rest.wait(pipeline.dag, run) == "success", pipeline.story(run)
    first, second = sorted(
        (task["start_date"], task["end_date"])
        for run in ("gpu-1", "gpu-2")
        for task in [pipeline.airflow.rest.instances(pipeline.dag, run)["Trainer"]]
    )
    assert first[1] <= second[0], "they trained at the same time"
    assert [each.state for each in attempts(pipeline, "gpu-2")] == ["complete"]


def test_killed_while_it_pushes(pipeline: Deployed) -> None:
    """Whatever the Pusher was at: afterwards there are whole versions, and the push is made."""
    before = served(pipeline)
    # Another number of steps: the same model again would not be pushed.
    pipeline.airflow.rest.trigger(pipeline.dag, "pusher", {"steps": 21})
    wait_for(lambda: pipeline.airflow.nodes("Pusher"), "the Pusher starts")
    wait_for(lambda: worker(pipeline).children(), "its process is there")
    node(pipeline).kill()
    assert pipeline.airflow.rest.wait(pipeline.dag, "pusher") == "success"
    assert len(served(pipeline)) == len(before) + 1
