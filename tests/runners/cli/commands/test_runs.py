import json
import time
from datetime import datetime

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.bundle import folder as bundles
from beltline.runners.cli.commands.runs import runs
from beltline.runners.local.record import Record, only_run
from beltline.runners.metadata.store import BUNDLE, REASON, REFUSED
from tests.bundle.bundles import manifest
from tests.runners.projects import Ledger, paths

PUSHED = {"pushed_model": ("PushedModel", {"pushed": 1, "pushed_version": "3"})}
KEPT = {"pushed_model": ("PushedModel", {"pushed": 0, "pushed_version": "3", "reason": "is 3"})}
REFUSED_MODEL = {"blessing": ("ModelBlessing", {"blessed": 0, "reason": "auc 0.5 is below 0.6"})}


def invoke(folder, *arguments):
    return CliRunner().invoke(runs, ["-f", str(folder / "pipeline.yaml"), *arguments])


def listed(folder, *arguments):
    result = invoke(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def record(folder, run, end="running", name="line", version=""):
    Record(run, name, f"bundle of {run}", "", end, version).write(paths(folder).root)


def test_before_the_first_run_nothing_is_made(folder):
    result = invoke(folder)
    assert (result.exit_code, result.output.startswith("line: no runs yet")) == (0, True)
    assert listed(folder) == []
    assert [path.name for path in folder.iterdir()] == ["pipeline.yaml"]


def test_a_run_of_another_runner(folder, ledger):
    ledger.run("scheduled__1")
    ledger.node("scheduled__1", "Trainer", **{BUNDLE: "b" * 64})
    ledger.node("scheduled__1", "Pusher", outputs=PUSHED, **{BUNDLE: "b" * 64})
    [run] = listed(folder)
    assert (run["run"], run["state"], run["version"]) == ("scheduled__1", "done", "3")
    assert run["bundle"] == "b" * 64
    assert 0 <= run["seconds"] < 5
    started = datetime.fromisoformat(run["started"])
    assert abs(time.time() - started.timestamp()) < 60


@pytest.mark.parametrize(
    ("nodes", "state"),
    [
        ([("A", "COMPLETE", {}), ("B", "CACHED", {})], "done"),
        ([("A", "COMPLETE", {}), ("B", "FAILED", {})], "failed"),
        ([("A", "COMPLETE", {}), ("B", "CANCELED", {})], "skipped"),
        ([("A", "FAILED", {}), ("B", "CANCELED", {})], "failed"),
        # The data came later.
        ([("A", "CANCELED", {}), ("A", "COMPLETE", {})], "done"),
        ([("A", "COMPLETE", {}), ("B", "RUNNING", {})], "running"),
        ([("A", "COMPLETE", REFUSED_MODEL), ("B", "COMPLETE", {})], "refused"),
        ([("A", "COMPLETE", KEPT)], "done"),
        # A node that was tried again.
        ([("A", "FAILED", {}), ("A", "COMPLETE", {})], "done"),
    ],
)
def test_the_state_of_a_run_without_a_record(folder, ledger, nodes, state):
    ledger.run("r1")
    for node, how, outputs in nodes:
        ledger.node("r1", node, how, outputs)
    assert [run["state"] for run in listed(folder)] == [state]


@pytest.mark.parametrize("end", ["done", "failed", "refused", "stopped"])
def test_a_local_run_ended_as_its_record_says(folder, ledger, end):
    ledger.run("r1")
    ledger.node("r1", "A", "FAILED")
    record(folder, "r1", end)
    [run] = listed(folder)
    assert (run["state"], run["bundle"]) == (end, "bundle of r1")


def test_a_run_goes_on_while_its_process_holds_the_root(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "A")
    ledger.node("r1", "B", "RUNNING")
    record(folder, "r1")
    with only_run(paths(folder).root):
        run = listed(folder, "r1")
    assert run["state"] == "running"
    assert [node["state"] for node in run["nodes"]] == ["done", "running"]
    # The process is gone, and could not write down how it ended.
    run = listed(folder, "r1")
    assert run["state"] == "stopped"
    assert [node["state"] for node in run["nodes"]] == ["done", "stopped"]


def test_only_a_new_version_is_named(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "Pusher", outputs=KEPT)
    record(folder, "r1", "done", version="3")
    assert [run["version"] for run in listed(folder)] == [""]


def test_the_newest_is_last_and_one_stopped_early_is_there(folder, ledger):
    record(folder, "20200101-000000-aaaa", "stopped")
    for run in ("z", "a"):
        ledger.run(run)
        ledger.node(run, "A")
        time.sleep(0.01)
    found = listed(folder)
    assert [run["run"] for run in found] == ["20200101-000000-aaaa", "z", "a"]
    assert found[0]["started"].startswith(("2019-12-31", "2020-01-01"))
    assert found[0]["seconds"] is None


def test_records_alone_are_listed_without_making_a_database(folder):
    record(folder, "20200101-000000-aaaa", "failed")
    assert [run["state"] for run in listed(folder)] == ["failed"]
    assert [path.name for path in paths(folder).root.iterdir()] == ["runs"]


def test_other_pipelines_runs_are_not_listed(folder, ledger):
    Ledger(paths(folder).metadata, "other").run("r1")
    record(folder, "r2", "done", name="other")
    ledger.run("r3")
    assert [run["run"] for run in listed(folder)] == ["r3"]


def test_the_table(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "Pusher", outputs=PUSHED)
    record(folder, "r1", "done", version="3")
    head, row = invoke(folder).output.splitlines()
    assert head.split() == ["run", "started", "seconds", "state", "version", "bundle"]
    assert [row.split()[0], *row.split()[4:]] == ["r1", "done", "3", "bundle", "of", "r1"]


def test_what_a_terminal_would_obey_is_shown_escaped(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "Trainer", "FAILED", **{REASON: "mold '\x1b[2J'\nline \u202etwo"})
    shown = invoke(folder, "r1").output
    assert "Trainer failed:\n  mold '\\x1b[2J'\n  line \\u202etwo\n" in shown


def test_the_nodes_of_a_run(folder, ledger):
    here = paths(folder)
    bundle = bundles.write(here.bundles, manifest(), b"", b"")
    ledger.run("r1")
    digest = {BUNDLE: bundle.manifest.digest}
    ledger.node("r1", "ExampleGen", **digest)
    ledger.node("r1", "Schema", "CACHED", **digest)
    ledger.node("r1", "Trainer", "FAILED", **digest, **{REASON: "no memory\nsecond line"})
    log = here.log("r1", "Trainer")
    log.parent.mkdir(parents=True)
    log.write_text("")
    run = listed(folder, "r1")
    assert (run["run"], run["state"], run["bundle"]) == ("r1", "failed", bundle.manifest.digest)
    states = {node["node"]: node["state"] for node in run["nodes"]}
    assert list(states.items()) == [
        ("ExampleGen", "done"),
        ("Schema", "cached"),
        ("Trainer", "failed"),
        ("DataGate", "not run"),
        ("Transform", "not run"),
        ("Champion", "not run"),
        ("Pusher", "not run"),
    ]
    failed = run["nodes"][2]
    assert (failed["reason"], failed["log"]) == ("no memory\nsecond line", str(log))
    assert (run["nodes"][0]["log"], run["nodes"][0]["reason"]) == ("", "")
    said = invoke(folder, "r1").output
    assert said.splitlines()[0] == f"run r1 · failed · bundle {bundle.manifest.digest[:12]}"
    assert said.endswith("Trainer failed:\n  no memory\n  second line\n")
    assert str(log) in said


def test_a_data_gate_that_failed_its_run_has_refused(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "ExampleGen")
    ledger.node("r1", "DataGate", "FAILED", **{REASON: "new column", REFUSED: "yes"})
    record(folder, "r1", "refused")
    nodes = listed(folder, "r1")["nodes"]
    assert [node["state"] for node in nodes] == ["done", "refused"]
    assert nodes[1]["reason"] == "new column"


def test_a_model_gate_says_why_it_refused(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "Evaluator", outputs=REFUSED_MODEL)
    assert "Evaluator refused:\n  auc 0.5 is below 0.6\n" in invoke(folder, "r1").output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            "20260101-000000-ac",
            "run '20260101-000000-ac' not found; did you mean 20260101-000000-ab?",
        ),
        ("xyz", "run 'xyz' not found (known: 20260101-000000-ab)"),
    ],
)
def test_an_unknown_run_is_refused_with_the_nearest(folder, ledger, given, says):
    ledger.run("20260101-000000-ab")
    error = invoke(folder, given).exception
    assert isinstance(error, WrongInput)
    assert says in str(error)


def test_the_latest_run_needs_no_name(folder, ledger):
    ledger.run("b")
    ledger.node("b", "A")
    time.sleep(0.01)
    ledger.run("a")
    ledger.node("a", "A")
    assert listed(folder, "latest")["run"] == "a"


def test_without_runs_none_can_be_named(folder):
    error = invoke(folder, "r1").exception
    assert isinstance(error, WrongInput)
    assert str(error) == "run 'r1' not found; there is none yet"
    assert not paths(folder).root.exists()
