"""Nodes that share a pod: which of them run, how often, and how their task ends."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.bundle import folder
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.children import RunStopped
from beltline.runners.local.runner import STOPPED, RunRequest
from beltline.runners.local.watch import Watch
from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from beltline.runners.node.outcome import FAILED, Outcome
from beltline.runners.pods import task
from beltline.runners.pods.log_line import results
from beltline.runners.pods.task import Attempts, forced, run_group
from tests.beltline_process import Beltline, Result
from tests.bundle.bundles import manifest
from tests.end_to_end.projects import Project, begun
from tests.runners.projects import Ledger, paths

NODES = ["ExampleGen", "DataGate", "Transform"]


@pytest.mark.parametrize(
    ("force", "found"),
    [
        ("", set()),
        ("Trainer", {"Trainer"}),
        ("Pusher, Trainer", {"Pusher", "Trainer"}),
        ("all", {node.id for node in manifest().nodes}),
    ],
)
def test_which_nodes_are_forced(force: str, found: set[str]) -> None:
    assert forced(manifest(), force) == found


def test_a_node_to_force_that_there_is_not() -> None:
    with pytest.raises(WrongInput, match=r"trainr: node not found; did you mean Trainer\?"):
        forced(manifest(), "trainr")


class Group:
    """A group whose nodes end as `plays` says, one entry an attempt; without one, well.

    Only what runs the nodes is played: what they leave is in a real ML Metadata.
    """

    def __init__(self, where: Path, monkeypatch: pytest.MonkeyPatch):
        self.paths = paths(where)
        self.ledger = Ledger(self.paths.metadata)
        self.ledger.run("run")
        self.bundle = folder.write(where / "bundles", manifest(), b"pipeline", b"code")
        self.plays: dict[str, list[str]] = {}
        self.ran: list[str] = []
        self.slept: list[float] = []
        monkeypatch.setattr(task, "run_nodes", self._run_nodes)
        monkeypatch.setattr(task.time, "sleep", self.slept.append)

    def __call__(self, retries: int = 2) -> int:
        """Runs it as Kubeflow's task does."""
        return self.run(Attempts(retries, 10))

    def run(self, attempts: Attempts | None = None) -> int:
        """Runs it; without `attempts`, as Airflow's task does."""
        request = RunRequest("run", NODES, Capacity.of_machine())
        return run_group(self.bundle, self.paths, request, attempts)

    def _run_nodes(self, _: Any, __: Any, request: RunRequest, watch: Watch) -> Any:
        outcomes = []
        for node in request.nodes:
            self.ran.append(node)
            ends = self.plays.get(node, [])
            outcomes.append(self._end(node, ends.pop(0) if ends else "done"))
            watch.ended(outcomes[-1], 1.5)
            if outcomes[-1].exit_code == FAILED:
                break
        return outcomes

    def _end(self, node: str, state: str) -> Outcome:
        if state == "skipped":
            return Outcome(node, "skipped", reason="nothing to do")
        if state == "no data":
            execution = self.ledger.node("run", node, "CANCELED", **{REASON: state})
            return Outcome(node, "skipped", execution, reason=state)
        refused = {REFUSED: "yes", REASON: "too cold"} if state == "refused" else {}
        execution = self.ledger.node("run", node, "COMPLETE" if state == "done" else "FAILED")
        if refused:
            Lineage(self.paths.metadata, "line").annotate(execution, **refused)
        assert state in ("done", "failed", "refused")
        return Outcome(node, state, execution, reason=refused.get(REASON, ""))


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    return Group(tmp_path, monkeypatch)


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, float]]:
    found = [json.loads(each) for each in results(capsys.readouterr().out)]
    return [(each["node"], each["state"], each["seconds"]) for each in found][::-1]


def test_each_node_has_a_result_with_its_seconds(group: Group, capsys) -> None:
    assert group() == 0
    assert told(capsys) == [(node, "done", 1.5) for node in NODES]


def test_a_node_that_fails_is_run_again_and_those_before_it_are_not(group: Group, capsys) -> None:
    group.plays = {"DataGate": ["failed", "failed"]}
    assert group() == 0
    assert group.ran == ["ExampleGen", "DataGate", "DataGate", "DataGate", "Transform"]
    assert group.slept == [10, 20]
    assert [state for _, state, _ in told(capsys)] == ["done", "failed", "failed", "done", "done"]


def test_after_its_retries_it_has_failed(group: Group) -> None:
    group.plays = {"DataGate": ["failed"] * 9}
    assert group(retries=1) == 1
    assert group.ran.count("DataGate") == 2
    assert "Transform" not in group.ran


@pytest.mark.parametrize("attempts", [Attempts(2, 10), None])
def test_another_pod_goes_on_where_the_last_one_was_killed(
    group: Group, capsys, attempts: Attempts | None
) -> None:
    """It says again what that one may not have lived to say: whoever follows hears all of it."""
    group.ledger.node("run", "ExampleGen", "COMPLETE")
    group.ledger.node("run", "DataGate", "RUNNING")
    assert group.run(attempts) == 0
    assert group.ran == ["DataGate", "Transform"]
    assert [(node, state) for node, state, _ in told(capsys)] == [(node, "done") for node in NODES]


def test_attempts_count_whatever_pod_they_were_in(group: Group, capsys) -> None:
    for _ in range(2):
        group.ledger.node("run", "DataGate", "FAILED", **{REASON: "broken"})
    assert group(retries=1) == 1
    assert group.ran == []
    assert told(capsys) == [("DataGate", "failed", 0.0)]
    # One more is left.
    group.plays = {"DataGate": ["failed"] * 9}
    assert group(retries=2) == 1
    assert group.ran.count("DataGate") == 1


def test_a_node_that_was_stopped_for_another_ones_sake_has_not_failed(group: Group) -> None:
    stopped = {REASON: f"{STOPPED}DataGate failed"}
    for _ in range(3):
        group.ledger.node("run", "Transform", "FAILED", **stopped)
    assert group(retries=0) == 0
    assert group.ran == NODES


def test_a_gate_that_refuses_is_not_asked_again(group: Group, capsys) -> None:
    group.plays = {"DataGate": ["refused"]}
    for _ in range(2):
        assert group() == 1
    assert group.ran == ["ExampleGen", "DataGate"]
    assert [state for _, state, _ in told(capsys)] == ["done", "refused", "refused"]


def test_a_skipped_node_succeeds(group: Group) -> None:
    group.plays = {node: ["skipped"] for node in NODES}
    assert group() == 0
    assert group.ran == NODES
    assert group.slept == []


def test_where_the_caller_retries_a_pod_is_one_attempt(group: Group, capsys) -> None:
    group.plays = {"DataGate": ["failed"] * 3}
    for _ in range(3):
        assert group.run() == 1
    assert group.run() == 0
    assert group.ran == ["ExampleGen", *["DataGate"] * 4, "Transform"]
    assert group.slept == []
    assert [state for _, state, _ in told(capsys)][:4] == ["done", "failed", "done", "failed"]


def test_a_gate_that_refused_is_asked_again_where_the_caller_wants_it(group: Group) -> None:
    """Somebody has cleared the task in Airflow."""
    group.plays = {"DataGate": ["refused"]}
    assert group.run() == 1
    assert group.run() == 0
    assert group.ran == ["ExampleGen", "DataGate", "DataGate", "Transform"]


def test_a_skipped_node_is_told_where_the_caller_knows_what_that_is(group: Group) -> None:
    group.plays = {"Transform": ["skipped"]}
    assert group.run() == 99


def test_the_data_of_a_day_may_come_before_the_task_is_cleared(group: Group) -> None:
    group.plays = {node: ["no data"] for node in NODES}
    assert group.run() == 99
    assert group.run() == 0
    assert group.ran == NODES + NODES


def test_a_push_that_an_earlier_pod_found_unneeded_is_skipped_still(group: Group) -> None:
    for node in NODES[:-1]:
        group.ledger.node("run", node)
    group.ledger.node("run", NODES[-1], outputs={"pushed_model": ("PushedModel", {"pushed": 0})})
    assert group.run() == 99
    assert group.ran == []


def test_a_pod_that_is_stopped_blames_no_node(tmp_path: Path, monkeypatch) -> None:
    def stopped(*_: Any) -> int:
        raise RunStopped("stopped by SIGTERM")

    monkeypatch.setattr(task, "run_group", stopped)
    made = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code")
    words = ["--bundle", str(made.path), "--node", "ExampleGen", "--run", "r"]
    done = CliRunner().invoke(task.main, words)
    assert (done.exit_code, list(results(done.output))) == (130, [])
    assert "stopped by SIGTERM" in done.output


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return begun(beltline, tmp_path_factory.mktemp("task"), rows=1500)


def call(project: Project, node: str, run: str, *more: str) -> tuple[int, dict[str, Any]]:
    code, found = call_all(project, [node], run, *more)
    return code, found[-1]


def call_all(
    project: Project, nodes: list[str], run: str, *more: str
) -> tuple[int, list[dict[str, Any]]]:
    result = call_task(project, nodes, run, *more)
    return result.code, told_by(result)


def told_by(result: Result) -> list[dict[str, Any]]:
    assert result.out, result.text
    return [json.loads(each) for each in results(result.out)][::-1]


def call_task(project: Project, nodes: list[str], run: str, *more: str) -> Result:
    [bundle] = (project.root / "bundles").iterdir()
    words = [word for node in nodes for word in ("--node", node)]
    return project.beltline(
        *("--bundle", bundle, *words, "--run", run, *more),
        cwd=project.folder,
        env={"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)},
        program="beltline.runners.pods.task",
    )


@pytest.mark.slow
def test_it_is_the_node_runner(project: Project) -> None:
    for force, state in (("", "cached"), ("Trainer,Pusher", "cached"), ("all", "done")):
        code, found = call(project, "ExampleGen", f"run-{len(force)}", f"--force={force}")
        assert (code, found["node"], found["state"]) == (0, "ExampleGen", state)


@pytest.mark.slow
def test_nodes_that_share_a_pod_are_executions_of_their_own(project: Project) -> None:
    nodes = ["StatisticsGen", "ExampleGen", "Schema"]
    done = call_task(project, nodes, "shared", "--force=StatisticsGen")
    code, found, err = done.code, told_by(done), done.err
    assert code == 0
    states = {each["node"]: each["state"] for each in found}
    assert states == {"ExampleGen": "cached", "StatisticsGen": "done", "Schema": "done"}
    lineage = Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")
    assert {each.node for each in lineage.nodes("shared")} == set(nodes)
    assert all(f" INFO {node}/beltline.node: started\n" in err for node in nodes)


@pytest.mark.slow
def test_a_node_that_takes_too_long_is_stopped(project: Project) -> None:
    code, found = call_all(*(project, ["ExampleGen"], "slow", "--force=all", "--limit", "0.01"))
    assert (code, found[-1]["state"]) == (1, "failed")
    assert "stopped at its time limit" in found[-1]["reason"]
    lineage = Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")
    assert [each.state for each in lineage.nodes("slow")] in ([], ["failed"])


@pytest.mark.slow
def test_a_failure_has_its_reason(project: Project) -> None:
    code, found = call(project, "ExampleGen", "a", "--param", "data-path=nowhere.csv")
    assert (code, found["state"]) == (1, "failed")
    assert "nowhere.csv" in str(found["reason"])
    code, found = call(project, "ExampleGen", "b", "--force=Examplegen")
    assert (code, found["state"]) == (1, "failed")
    assert "did you mean ExampleGen?" in str(found["reason"])


@pytest.mark.slow
def test_without_data_nothing_fails_and_nothing_runs(project: Project) -> None:
    """No data for the day: Kubeflow knows no task that was skipped, and must not try it again."""
    shutil.copy(project.folder / "casting.csv", project.folder / "span-1.csv")
    given = ("--param", "data-path=span-{SPAN}.csv", "--param", "span=7")
    kubeflow = (*given, "--attempts", "0", "0")
    code, found = call(project, "ExampleGen", "empty", *kubeflow)
    assert (code, found["state"]) == (0, "skipped"), found
    code, found = call(project, "StatisticsGen", "empty", *kubeflow)
    assert (code, found["state"]) == (0, "skipped")
    assert call(project, "StatisticsGen", "empty", *given)[0] == 99
    assert "ExampleGen was skipped" in str(found["reason"])
    lineage = Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")
    assert [each.node for each in lineage.nodes("empty")] == ["ExampleGen"]
