"""`approve` and `reject` through the command line, and what ML Metadata knows of it."""

import json

import pytest

from beltline.bundle import folder as bundles
from beltline.runners.history import History
from beltline.runners.metadata.store import BUNDLE
from beltline.versions.push import hold
from tests.bundle.bundles import manifest
from tests.http_receiver import receiving
from tests.runners.cli.commands.test_models import push_model
from tests.runners.cli.commands.test_promote import call
from tests.runners.projects import Ledger, paths, project


@pytest.fixture
def folder(tmp_path):
    """A version that is live, and one that waits; ML Metadata has the runs of both."""
    project(tmp_path)
    push_model(tmp_path, "r1", auc=0.8)
    push_model(tmp_path, "r2", add=hold, auc=0.9)
    ledger = Ledger(paths(tmp_path).metadata)
    digest = bundles.write(paths(tmp_path).bundles, manifest(), b"", b"").manifest.digest
    pushes = {
        "r1": {"pushed": 1, "pushed_version": "1"},
        "r2": {"pushed": 0, "waiting_version": "2", "reason": "version 2 waits for approval"},
    }
    for run, properties in pushes.items():
        ledger.run(run)
        ledger.node(
            run, "Pusher", outputs={"pushed_model": ("PushedModel", properties)}, **{BUNDLE: digest}
        )
    return tmp_path


def described(folder):
    return {each["version"]: each for each in json.loads(call(folder, "models", "--json"))}


def run(folder, name):
    return History(paths(folder), "line").run(name)


def test_an_approved_version_is_live_and_its_run_has_pushed_it(folder):
    found = described(folder)
    assert [each["waiting"] for each in found.values()] == [False, True]
    assert (found[2]["pushed"], found[2]["live"], found[2]["metrics"]) == (
        False,
        False,
        {"auc": 0.9},
    )
    assert call(folder, "models").splitlines()[-1].endswith("waiting")
    assert run(folder, "r2").version == ""
    said = call(folder, "approve", "2", "--by", "ann", "--note", "seen")
    assert said == "line: approved; now serving version 2 (was version 1)"
    found = described(folder)[2]
    assert (found["pushed"], found["live"], found["waiting"]) == (True, True, False)
    assert (found["decision"]["verdict"], found["decision"]["by"]) == ("approved", "ann")
    assert run(folder, "r2").version == "2"
    [pushed] = History(paths(folder), "line").executions("r2")[0].outputs["pushed_model"]
    properties = pushed["properties"]
    assert properties["pushed"] == 1 and properties["decision_note"] == "seen"
    assert properties["decided_by"] == "ann" and properties["decided_at"]
    assert properties["pushed_destination"].endswith("served/line/2")


def test_a_name_may_be_any(folder):
    name, note = "Änn\n\x1b[2J", "\udcff ✓"
    assert "now serving version 2" in call(folder, "approve", "2", "--by", name, "--note", note)
    found = described(folder)[2]["decision"]
    assert (found["by"], found["note"]) == ("Änn\n\\x1b[2J", "\\udcff ✓")
    assert run(folder, "r2").version == "2"


def test_approving_again_records_what_was_not_recorded(folder):
    database = paths(folder).root / "metadata.sqlite"
    kept = database.read_bytes()
    database.write_bytes(b"no database")
    said = call(folder, "approve", "2")
    assert "now serving version 2" in said and "ML Metadata was not told; repeat" in said
    database.write_bytes(kept)
    assert call(folder, "approve", "2") == (
        "line: version 2 was approved already; version 2 is live"
    )
    assert run(folder, "r2").version == "2"
    assert described(folder)[2]["decision"]["by"]


def test_a_rejected_version_is_gone_and_its_run_says_so(folder):
    assert call(folder, "reject", "2", "--by", "ann", "--note", "odd") == "line: version 2 rejected"
    assert list(described(folder)) == [1]
    node, *_ = History(paths(folder), "line").nodes("r2")
    assert (node.state, node.reason) == ("skipped", "version 2 was rejected by ann: odd")
    assert call(folder, "reject", "2") == "line: version 2 was rejected already"
    error = call(folder, "approve", "2")
    assert error.exit_code == 2 and "version 2 was rejected by ann" in str(error)


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_what_does_not_wait(folder, command):
    for number, why in (("1", "was pushed already"), ("9", "not found"), ("0", "not found")):
        error = call(folder, command, number)
        assert error.exit_code == 2 and why in str(error) and "version 2 waits" in str(error)
    assert list(described(folder)) == [1, 2]


def test_a_run_that_ml_metadata_does_not_know(folder):
    push_model(folder, "r3", add=hold, auc=0.9)
    said = call(folder, "approve", "3")
    assert "now serving version 3" in said and "run r3, and ML Metadata has no such run" in said


def test_the_webhook_is_told_of_an_approved_version_as_of_a_push(folder):
    with receiving() as receiver:
        hook = ("--set", f"tracking.webhook.url={receiver.url}")
        prometheus = ("--set", "tracking.prometheus=line.prom")
        call(folder, "approve", "2", *hook, *prometheus)
        assert [each["event"] for each in receiver.bodies] == ["pushed"]
        assert receiver.bodies[0]["text"] == "line, run r2: done; version 2 is live"
        call(folder, "rollback")
        # Who repeats the command doesn't make it live again.
        call(folder, "approve", "2", *hook)
        assert len(receiver.bodies) == 1
    # The file is about the last run, and this one is an older one by now.
    assert not list(folder.rglob("line.prom"))


def test_nobody_is_told_of_a_rejected_version(folder):
    with receiving() as receiver:
        call(folder, "reject", "2", "--set", f"tracking.webhook.url={receiver.url}")
        assert receiver.bodies == []
