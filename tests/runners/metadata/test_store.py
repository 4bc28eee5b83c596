import fcntl
from concurrent.futures import ThreadPoolExecutor

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.metadata import store
from beltline.runners.metadata.store import (
    BUNDLE,
    REASON,
    Lineage,
    first,
    open_exclusively,
)
from beltline.runners.paths import Paths
from tests.runners.projects import Ledger


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'meta' / 'data.sqlite'}"


def test_an_empty_store_has_no_runs(url):
    assert Lineage(url, "line").runs() == []
    assert Lineage(url, "line").nodes("r1") == []
    assert Lineage(url, "line").node("r1", "Trainer") is None


def test_runs_come_in_the_order_of_their_start(url):
    ledger = Ledger(url)
    for run in ("z", "a", "m"):
        ledger.run(run)
    ledger.run("no run", kind="pipeline")
    assert Lineage(url, "line").runs() == ["z", "a", "m"]


def test_pipelines_that_share_a_store_do_not_see_each_other(url):
    ours, theirs = Ledger(url, "line"), Ledger(url, "line2")
    ours.run("both")
    ours.node("both", "Trainer")
    theirs.run("both")
    running = theirs.node("both", "Trainer", "RUNNING")
    theirs.run("alone")
    assert Lineage(url, "line").runs() == ["both"]
    assert Lineage(url, "line2").runs() == ["both", "alone"]
    assert Lineage(url, "third").runs() == []
    assert [node.node for node in Lineage(url, "line").nodes("both")] == ["Trainer"]
    assert Lineage(url, "line2").node("both", "Trainer").execution_id == running
    assert Lineage(url, "third").nodes("both") == []


def test_a_node_with_its_outputs(url):
    ledger = Ledger(url)
    ledger.run("r1")
    blessing = ("ModelBlessing", {"blessed": 0, "reason": "too bad"})
    number = ledger.node(
        "r1",
        "Evaluator",
        outputs={"evaluation": ("ModelEvaluation", {}), "blessing": blessing},
        **{REASON: "why", BUNDLE: "b1"},
    )
    [node] = Lineage(url, "line").nodes("r1")
    assert (node.node, node.state, node.execution_id) == ("Evaluator", "complete", number)
    assert (node.reason, node.bundle) == ("why", "b1")
    assert 0 <= node.ended - node.started < 5
    assert node.outputs["blessing"][0]["uri"] == "/artifacts/blessing"
    assert first(node.outputs, "ModelBlessing") == {"blessed": 0, "reason": "too bad"}
    assert first(node.outputs, "ModelEvaluation") == {}
    assert first(node.outputs, "PushedModel") is None


def test_the_latest_try_of_a_node_counts(url):
    ledger = Ledger(url)
    ledger.run("r1")
    ledger.node("r1", "Trainer", "FAILED")
    ledger.node("r1", "Pusher", "FAILED")
    ledger.node("r1", "Trainer", "COMPLETE")
    lineage = Lineage(url, "line")
    assert [node.node for node in lineage.nodes("r1")] == ["Trainer", "Pusher", "Trainer"]
    assert lineage.node("r1", "Trainer").state == "complete"


def test_only_what_has_not_ended_is_marked_failed(url):
    ledger = Ledger(url)
    ledger.run("r1")
    states = ["RUNNING", "NEW", "COMPLETE", "CACHED", "CANCELED"]
    lineage = Lineage(url, "line")
    for state in states:
        lineage.fail(ledger.node("r1", state, state), "killed")
    found = {node.node: (node.state, node.reason) for node in lineage.nodes("r1")}
    assert found["RUNNING"] == found["NEW"] == ("failed", "killed")
    assert found["COMPLETE"] == ("complete", "")
    assert found["CACHED"] == ("cached", "")
    assert found["CANCELED"] == ("canceled", "")


def test_what_had_nothing_to_do_is_canceled_with_its_reason(url):
    ledger = Ledger(url)
    ledger.run("r1")
    lineage = Lineage(url, "line")
    lineage.cancel(ledger.node("r1", "ExampleGen", "RUNNING"), "no data")
    node = lineage.node("r1", "ExampleGen")
    assert (node.state, node.reason) == ("canceled", "no data")


def test_nodes_open_the_store_one_after_the_other(tmp_path):
    root = tmp_path / "root"
    paths = Paths.from_environment(root)
    root.mkdir()
    with (root / "metadata.lock").open("w") as held, ThreadPoolExecutor() as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        opening = pool.submit(open_exclusively, paths, "line")
        with pytest.raises(TimeoutError):
            opening.result(0.3)
        assert not (root / "metadata.sqlite").exists()
        fcntl.flock(held, fcntl.LOCK_UN)
        assert opening.result(10).runs() == []


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "root").touch()
    with pytest.raises(WrongInput, match="root is not writable"):
        open_exclusively(Paths.from_environment(tmp_path / "root"), "line")


def test_what_is_written_to_an_execution_stays_with_the_rest(url):
    ledger = Ledger(url)
    ledger.run("r1")
    lineage = Lineage(url, "line")
    number = ledger.node("r1", "Trainer", "RUNNING", **{REASON: "slow"})
    lineage.annotate(number, **{BUNDLE: "b1"})
    node = lineage.node("r1", "Trainer")
    assert (node.reason, node.bundle, node.state) == ("slow", "b1", "running")


def test_every_node_is_what_nodes_returns_of_each_run(url):
    ours, theirs = Ledger(url, "line"), Ledger(url, "line2")
    blessing = {"blessing": ("ModelBlessing", {"blessed": 0, "reason": "too bad"})}
    for run in ("z", "both", "a"):
        ours.run(run)
    theirs.run("both")
    ours.node("z", "Trainer", outputs={"model": ("Model", {})}, **{BUNDLE: "b1"})
    ours.node("z", "Evaluator", "FAILED", **{REASON: "why"})
    ours.node("both", "Trainer", "RUNNING")
    theirs.node("both", "Evaluator")
    ours.node("z", "Evaluator", outputs=blessing)
    lineage = Lineage(url, "line")
    found = lineage.every_node()
    assert list(found) == ["z", "both", "a"]
    assert found == {run: lineage.nodes(run) for run in found}
    assert [node.node for node in found["z"]] == ["Trainer", "Evaluator", "Evaluator"]
    assert [node.node for node in found["both"]] == ["Trainer"]
    assert first(found["z"][-1].outputs, "ModelBlessing")["reason"] == "too bad"
    assert Lineage(url, "third").every_node() == {}


def test_ids_are_asked_for_in_batches(url, monkeypatch):
    monkeypatch.setattr(store, "_AT_ONCE", 2)
    ledger = Ledger(url)
    ledger.run("r1")
    for name in "abcde":
        ledger.node("r1", name, outputs={"made": ("Examples", {"name": name})})
    [nodes] = Lineage(url, "line").every_node().values()
    assert [first(each.outputs, "Examples")["name"] for each in nodes] == [*"abcde"]


def test_every_node_asks_once_a_run_and_not_once_a_node(url, monkeypatch):
    ledger = Ledger(url)
    for run in "abcd":
        ledger.run(run)
        for node in ("Examples", "Trainer", "Evaluator", "Pusher"):
            ledger.node(run, node, outputs={"made": ("Model", {})})
    lineage, asked = Lineage(url, "line"), []
    call = lineage.store._call
    monkeypatch.setattr(lineage.store, "_call", lambda *sent: (asked.append(sent[0]), call(*sent)))
    lineage.every_node()
    assert asked.count("GetExecutionsByContext") == 4 + 4
    assert not asked.count("GetContextsByExecution")
    assert len(asked) < 4 * 4 + 10
