"""A task of a package: what it forces, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.bundle import folder
from beltline.runners.kubeflow.log_line import results
from beltline.runners.kubeflow.pod.task import is_forced, refused_before
from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from tests.beltline_process import Beltline, Result
from tests.bundle.bundles import manifest
from tests.end_to_end.projects import QUICK, Project, casting
from tests.runners.projects import Ledger, paths


@pytest.mark.parametrize(
    ("force", "forced"),
    [("", False), ("Trainer", True), ("Pusher, Trainer", True), ("Pusher", False), ("all", True)],
)
def test_which_nodes_are_forced(force: str, forced: bool) -> None:
    assert is_forced(manifest(), "Trainer", force) is forced


def test_a_node_to_force_that_there_is_not() -> None:
    with pytest.raises(WrongInput, match=r"trainr: node not found; did you mean Trainer\?"):
        is_forced(manifest(), "Pusher", "trainr")


@pytest.fixture
def gate(tmp_path: Path):
    """Asks whether DataGate has refused in a run, and the ledger to write to."""
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code")
    return ledger, lambda node="DataGate": refused_before(bundle, node, "run", where)


def test_a_gate_that_has_refused_is_not_asked_again(gate) -> None:
    ledger, before = gate
    assert before() is None
    written = ledger.node("run", "DataGate", "FAILED", **{REFUSED: "yes", REASON: "too cold"})
    outcome = before()
    assert (outcome.state, outcome.reason, outcome.execution_id) == ("refused", "too cold", written)
    assert outcome.exit_code == 1


@pytest.mark.parametrize("state", ["FAILED", "RUNNING", "COMPLETE"])
def test_a_gate_that_has_not_refused_is_asked(gate, state: str) -> None:
    ledger, before = gate
    ledger.node("run", "DataGate", state)
    assert before() is None


def test_a_node_that_is_no_gate_is_always_asked(gate) -> None:
    ledger, before = gate
    ledger.node("run", "Trainer", "FAILED", **{REFUSED: "yes"})
    assert before("Trainer") is None


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose bundle is compiled, with the first nodes' results in its metadata."""
    project = casting(beltline, tmp_path_factory.mktemp("task"), rows=1500)
    result = project("run", *QUICK, "--to", "StatisticsGen")
    assert result.code == 0, result.text
    return project


def call(project: Project, node: str, run: str, *more: str) -> tuple[int, dict[str, object]]:
    [bundle] = (project.root / "bundles").iterdir()
    result: Result = project.beltline(
        *("--bundle", bundle, "--node", node, "--run", run, *more),
        cwd=project.folder,
        env={"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)},
        program="beltline.runners.kubeflow.pod.task",
    )
    assert result.out, result.text
    return result.code, dict(json.loads(next(results(result.out))))


@pytest.mark.slow
def test_it_is_the_node_runner(project: Project) -> None:
    for force, state in (("", "cached"), ("Trainer,Pusher", "cached"), ("all", "done")):
        code, found = call(project, "ExampleGen", f"run-{len(force)}", f"--force={force}")
        assert (code, found["node"], found["state"]) == (0, "ExampleGen", state)


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
    code, found = call(project, "ExampleGen", "empty", *given)
    assert (code, found["state"]) == (0, "skipped"), found
    code, found = call(project, "StatisticsGen", "empty", *given)
    assert (code, found["state"]) == (0, "skipped")
    assert "ExampleGen was skipped" in str(found["reason"])
    lineage = Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")
    assert [each.node for each in lineage.nodes("empty")] == ["ExampleGen"]
