"""Whatever is killed, the real Airflow and ML Metadata end in the right states, and agree.

Every run here trains anew (`force`), on results of the nodes before it that are cached.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.versions.folder import versions
from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.end_to_end.projects import casting

pytestmark = pytest.mark.slow

SETTINGS = ("name=kills", "training.epochs=1000", "training.patience=1000")
TRAIN = {"force": ["Trainer"], "steps": 20}
# Long enough for somebody to mark it meanwhile.
LONG = {"force": ["Trainer"], "steps": 2000}


@pytest.fixture(scope="module")
def pipeline(
    airflow: Airflow, metadata: str, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """A pipeline in Airflow whose first run has ended."""
    project = casting(beltline, tmp_path_factory.mktemp("kills"), rows=1500)
    pipeline = Deployed(airflow, project, metadata, dag="kills")
    pipeline.compile(*set_all(*SETTINGS))
    assert pipeline.run("first", TRAIN) == "success", pipeline.story("first")
    return pipeline


@pytest.fixture(autouse=True)
def nothing_is_left_running(pipeline: Deployed) -> Any:
    yield
    wait_for(lambda: "running" not in states(pipeline), "ML Metadata has nothing running")
    folder = pipeline.project.root / "served/kills"
    whole = [str(version.number) for version in versions(folder)]
    assert whole == served(pipeline), "a version is pushed whole or not at all"


def set_all(*settings: str) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


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


def in_training(pipeline: Deployed, run: str, conf: Any = None) -> None:
    """Starts a run and returns when its Trainer is at work."""
    pipeline.airflow.rest.trigger(pipeline.dag, run, conf or TRAIN)
    wait_for(lambda: "running" in [each.state for each in attempts(pipeline, run)], "training")


def forked(pipeline: Deployed) -> list[psutil.Process]:
    """The nodes that the warm worker has forked."""
    found = pipeline.airflow.warm_workers()
    return [each for each in found if each.ppid() in [other.pid for other in found]]


def node(pipeline: Deployed) -> psutil.Process:
    """The one node that is at work."""
    [child] = forked(pipeline)
    return child


def worker(pipeline: Deployed) -> psutil.Process:
    """The warm worker that has the node."""
    return psutil.Process(node(pipeline).ppid())


def executor(pipeline: Deployed) -> psutil.Process:
    """The process of Airflow's executor that watches over the task of the Trainer."""
    [client] = pipeline.airflow.nodes("Trainer")
    workers = pipeline.airflow.workers()
    [watching] = [each for each in client.parents() if each in workers]
    return watching


def called(node: str) -> bool:
    """Whether a node's command runs; looks quickly, since some take but a moment."""
    words = b"--node\0" + node.encode() + b"\0"
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if words in file.read_bytes():
                return True
    return False


def ends_after(pipeline: Deployed, node: str, *runs: str) -> None:
    """Waits for a node of each run, then ends the runs: what follows is another test's."""
    rest = pipeline.airflow.rest
    for run in runs:
        state = rest.wait_for_task(pipeline.dag, run, node, "success", "failed")
        assert state == "success", pipeline.story(run)
    for run in runs:
        rest.end(pipeline.dag, run)


def trains_at_the_second_attempt(pipeline: Deployed, run: str) -> None:
    assert [each.state for each in attempts(pipeline, run)] == ["failed", "complete"]
    assert pipeline.airflow.rest.instances(pipeline.dag, run)["Trainer"]["try_number"] == 2


def test_a_node_that_is_killed_is_tried_again(pipeline: Deployed) -> None:
    in_training(pipeline, "node")
    node(pipeline).kill()
    assert pipeline.airflow.rest.wait(pipeline.dag, "node") == "success", pipeline.story("node")
    trains_at_the_second_attempt(pipeline, "node")
    assert "SIGKILL" in attempts(pipeline, "node")[0].reason


@pytest.mark.long
def test_the_warm_worker_is_killed(pipeline: Deployed) -> None:
    in_training(pipeline, "warm-worker")
    worker(pipeline).kill()
    ends_after(pipeline, "Trainer", "warm-worker")
    trains_at_the_second_attempt(pipeline, "warm-worker")


@pytest.mark.long
def test_airflows_worker_is_killed(pipeline: Deployed) -> None:
    in_training(pipeline, "executor")
    executor(pipeline).kill()
    ends_after(pipeline, "Trainer", "executor")
    trains_at_the_second_attempt(pipeline, "executor")


@pytest.mark.long
def test_everything_that_runs_the_node_is_killed_at_once(pipeline: Deployed) -> None:
    """As when the power fails: nobody is left to mark the execution, but Airflow's callback."""
    in_training(pipeline, "power")
    watching = executor(pipeline)
    doomed = [watching, *watching.children(recursive=True), worker(pipeline), node(pipeline)]
    for process in doomed:
        os.kill(process.pid, signal.SIGSTOP)
    for process in doomed:
        os.kill(process.pid, signal.SIGKILL)
    ends_after(pipeline, "Trainer", "power")
    trains_at_the_second_attempt(pipeline, "power")


@pytest.mark.long
def test_the_scheduler_is_killed_and_started_again(pipeline: Deployed) -> None:
    in_training(pipeline, "scheduler")
    pipeline.airflow.kill("scheduler")
    pipeline.airflow.restart("scheduler")
    assert pipeline.airflow.rest.wait(pipeline.dag, "scheduler") == "success"
    assert attempts(pipeline, "scheduler")[-1].state == "complete"


@pytest.mark.long
def test_a_failing_node_has_a_retry_left(pipeline: Deployed) -> None:
    """The data arrive between the first attempt and the second."""
    late = pipeline.project.folder / "late.csv"
    pipeline.airflow.rest.trigger(pipeline.dag, "retry", {"data_path": "late.csv", "steps": 20})
    wait_for(lambda: attempts(pipeline, "retry", "ExampleGen"), "the first attempt")
    wait_for(lambda: attempts(pipeline, "retry", "ExampleGen")[0].state == "failed", "its failure")
    late.write_bytes((pipeline.project.folder / "casting.csv").read_bytes())
    ends_after(pipeline, "ExampleGen", "retry")
    found = [each.state for each in attempts(pipeline, "retry", "ExampleGen")]
    assert found[0] == "failed" and found[-1] in ("complete", "cached")


def test_marked_failed_in_the_ui_then_cleared(pipeline: Deployed) -> None:
    before = served(pipeline)
    in_training(pipeline, "marked", LONG)
    pipeline.airflow.rest.mark(pipeline.dag, "marked", "Trainer", "failed")
    wait_for(lambda: attempts(pipeline, "marked")[0].state == "failed", "the node is stopped", 30)
    assert "SIGTERM" in attempts(pipeline, "marked")[0].reason
    assert pipeline.airflow.rest.wait(pipeline.dag, "marked") == "failed"
    assert pipeline.tasks("marked")["Pusher"] == "upstream_failed"
    assert served(pipeline) == before
    pipeline.airflow.rest.clear(pipeline.dag, "marked", "Trainer")
    assert pipeline.airflow.rest.wait(pipeline.dag, "marked") == "success"
    assert [each.state for each in attempts(pipeline, "marked")] == ["failed", "complete"]


def kill_the_pusher(pipeline: Deployed, run: str) -> bool:
    """Waits for a run's Pusher and kills it; False if it was over before that."""
    while pipeline.airflow.rest.state(pipeline.dag, run) == "running":
        for _ in range(20):
            for process in forked(pipeline) if called("Pusher") else []:
                with suppress(psutil.Error):
                    process.kill()
                    return True
            time.sleep(0.02)
    return False


@pytest.mark.long
def test_killed_while_it_pushes(pipeline: Deployed) -> None:
    """Whatever the Pusher was at: afterwards there are whole versions, and the push is made."""
    for steps in (21, 22, 23):
        before, run = served(pipeline), f"pusher-{steps}"
        # Another number of steps: the same model again would not be pushed.
        pipeline.airflow.rest.trigger(pipeline.dag, run, {"steps": steps})
        wait_for(lambda run=run: pipeline.tasks(run).get("Evaluator") == "success", "it is judged")
        killed = kill_the_pusher(pipeline, run)
        assert pipeline.airflow.rest.wait(pipeline.dag, run) == "success", pipeline.story(run)
        assert len(served(pipeline)) == len(before) + 1
        if killed:
            return
    raise AssertionError("the Pusher was over three times before it could be killed")


@pytest.mark.long
def test_a_node_without_a_retry_left_fails_the_run(pipeline: Deployed) -> None:
    pipeline.compile(*set_all(*SETTINGS, "airflow.retries=0"))
    in_training(pipeline, "no-retry")
    node(pipeline).kill()
    assert pipeline.airflow.rest.wait(pipeline.dag, "no-retry") == "failed"
    assert [each.state for each in attempts(pipeline, "no-retry")] == ["failed"]
    assert pipeline.tasks("no-retry")["Evaluator"] == "upstream_failed"


@pytest.mark.long
def test_two_runs_share_one_gpu(pipeline: Deployed) -> None:
    pipeline.compile(*set_all(*SETTINGS, "airflow.max_active_runs=2", "resources.Trainer.gpu=1"))
    assert pipeline.airflow.rest.slots("gpu") == 1
    for run in ("gpu-1", "gpu-2"):
        pipeline.airflow.rest.trigger(pipeline.dag, run, TRAIN)
    ends_after(pipeline, "Trainer", "gpu-1", "gpu-2")
    first, second = sorted(
        (task["start_date"], task["end_date"])
        for run in ("gpu-1", "gpu-2")
        for task in [pipeline.airflow.rest.instances(pipeline.dag, run)["Trainer"]]
    )
    assert first[1] <= second[0], "they trained at the same time"
    assert [each.state for each in attempts(pipeline, "gpu-2")] == ["complete"]
