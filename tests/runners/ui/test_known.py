import pytest

from beltline.runners.metadata.store import Lineage
from beltline.runners.ui.known import Known
from tests.runners import projects
from tests.runners.projects import Ledger


@pytest.fixture
def paths(tmp_path):
    return projects.paths(tmp_path)


@pytest.fixture
def read(monkeypatch):
    """What was read: the ids of runs, and `all`."""
    read, nodes, every_node = [], Lineage.nodes, Lineage.every_node
    monkeypatch.setattr(Lineage, "nodes", lambda its, run: (read.append(run), nodes(its, run))[1])
    monkeypatch.setattr(Lineage, "every_node", lambda its: (read.append("all"), every_node(its))[1])
    return read


def known_of(paths):
    return Known(paths, "line", paths.served("served", "line"))


def states(known):
    return {run.run: run.state for run in known.runs()}


def test_a_root_without_runs_stays_as_it_is_until_there_is_one(paths):
    known = known_of(paths)
    assert known.runs() == []
    assert not paths.root.exists()
    ledger = Ledger(paths.metadata)
    ledger.run("r1")
    ledger.node("r1", "Trainer")
    assert states(known) == {"r1": "done"}


def test_a_run_is_read_again_only_after_a_change(paths, read):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    ledger.run("r1")
    first = ledger.node("r1", "Trainer", "RUNNING")
    assert states(known) == states(known) == {"r1": "running"}
    assert read == ["all"]
    ledger.end(first, "COMPLETE")
    assert states(known) == states(known) == {"r1": "done"}
    assert read == ["all", "r1"]
    ledger.node("r1", "Evaluator", "FAILED")
    assert states(known) == {"r1": "failed"}
    ledger.run("r2")
    assert states(known) == {"r1": "failed", "r2": "done"}
    ledger.node("r2", "Trainer", "RUNNING")
    assert states(known) == {"r1": "failed", "r2": "running"}
    assert read == ["all", "r1", "r1", "r2", "r2"]


def test_of_many_changes_every_run_is_read_again(paths, read):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    for run in ("r1", "r2"):
        ledger.run(run)
        for _ in range(15):
            ledger.node(run, "Trainer", "RUNNING")
    assert states(known) == {"r1": "running", "r2": "running"}
    for execution in range(1, 31):
        ledger.end(execution, "FAILED")
    assert states(known) == {"r1": "failed", "r2": "failed"}
    assert read == ["all", "all"]


def test_a_change_of_another_pipeline_is_none(paths, read):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    ledger.run("r1")
    ledger.node("r1", "Trainer")
    assert states(known) == {"r1": "done"}
    other = Ledger(paths.metadata, "other")
    other.run("r9")
    other.node("r9", "Trainer", "FAILED")
    assert states(known) == {"r1": "done"}
    assert read == ["all"]


def test_the_latest_run_comes_first(paths):
    ledger = Ledger(paths.metadata)
    for run in ("20261130-010000-aaaa", "20261130-020000-bbbb"):
        ledger.run(run)
    found = [run.run for run in known_of(paths).runs()]
    assert found == ["20261130-020000-bbbb", "20261130-010000-aaaa"]


def test_a_log_is_known_by_its_run_and_node_alone(paths):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    ledger.run("r1")
    ledger.node("r1", "Trainer", "RUNNING")
    assert known.log("r1", "Trainer") == paths.root / "logs/r1/Trainer.log"
    for run, node in (
        ("r2", "Trainer"),
        ("r1", "Other"),
        ("r1", "../r1/Trainer"),
        (".", "r1"),
        ("", ""),
    ):
        assert known.log(run, node) is None


def test_a_log_that_grows_does_not_wait_for_what_is_read(paths):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    ledger.run("r1")
    ledger.node("r1", "Trainer", "RUNNING")
    known.log("r1", "Trainer")
    with known._one_at_a_time:
        assert known.log("r1", "Trainer")


def test_a_page_about_one_run_does_not_read_the_others(paths, read):
    ledger, known = Ledger(paths.metadata), known_of(paths)
    for run in ("r1", "r2"):
        ledger.run(run)
        ledger.node(run, "Trainer")
    assert known.details("r1", "Trainer").selected.summary.state == "done"
    assert known.log("r2", "Trainer")
    assert "all" not in read


def test_an_unknown_run_has_neither_details_nor_a_report(paths):
    Ledger(paths.metadata).run("r1")
    known = known_of(paths)
    assert known.details("r2", "") is None
    assert known.report("r2") is None
    assert known.report("r1").run["run"] == "r1"
