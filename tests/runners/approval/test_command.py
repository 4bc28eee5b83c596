"""Carries out an answer on real versions, and records it in a real ML Metadata."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from beltline.bundle import folder as bundles
from beltline.runners.approval.command import Answer, carry_out, main
from beltline.runners.history import History
from beltline.runners.metadata.store import BUNDLE
from beltline.runners.paths import METADATA, ROOT, Paths
from beltline.versions import approval
from beltline.versions.folder import numbers, waiting
from beltline.versions.live import live, promote, rollback
from beltline.versions.push import hold
from beltline.versions.store import store_of
from tests.bundle.bundles import manifest
from tests.http_receiver import receiving
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger, paths, project

HELD = {"pushed": 0, "waiting_version": "2", "reason": "version 2 waits for approval"}


@pytest.fixture
def folder(tmp_path):
    """Version 1 is live, and version 2 of run `r2` waits."""
    project(tmp_path)
    push_model(tmp_path, "r1", auc=0.8)
    push_model(tmp_path, "r2", add=hold, auc=0.9)
    known(tmp_path, "r2", **HELD)
    return tmp_path


def known(folder, run, bundle="", **properties):
    ledger = Ledger(paths(folder).metadata)
    ledger.run(run)
    outputs = {"pushed_model": ("PushedModel", properties)}
    ledger.node(run, "Pusher", outputs=outputs, **{BUNDLE: bundle})


def deployed(folder, **changes):
    """The bundle as Airflow has it, not in the root."""
    return bundles.write(folder / "bundles", manifest(**changes), b"pipeline", b"code")


def served(folder):
    return paths(folder).served("served", "line")


def decide(folder, verdict="approved", version=2, run="r2", **more):
    return carry_out(deployed(folder), paths(folder), Answer(run, version, verdict, **more))


def of_run(folder, run="r2"):
    """The reason and the properties of a run's push, as ML Metadata has them."""
    history = History(paths(folder), "line")
    node, *_ = history.nodes(run)
    [pushed] = history.executions(run)[0].outputs["pushed_model"]
    return node.reason, pushed["properties"]


def test_an_approved_version_is_live_and_the_result_names_it(folder):
    ended = decide(folder, by="Änn", note="better {{ everywhere }}")
    assert (ended.node, ended.state, ended.exit_code) == ("Decide", "done", 0)
    [pushed] = ended.outputs["pushed_model"]
    assert pushed["uri"] == "/artifacts/pushed_model"
    assert pushed["properties"]["pushed_version"] == "2"
    assert pushed["properties"]["pushed_destination"].endswith("served/line/2")
    assert (live(served(folder)), waiting(served(folder))) == (2, None)
    decision = store_of(served(folder)).state().decisions[2]
    assert (decision.by, decision.note) == ("Änn", "better {{ everywhere }}")
    _, properties = of_run(folder)
    assert (properties["pushed"], properties["decided_by"]) == (1, "Änn")


def test_tools_are_told_of_a_version_that_is_live(folder):
    """Its bundle is not in the root: Airflow has it among its DAGs."""
    with receiving() as receiver:
        where = paths(folder)
        tracked = Paths.from_environment(
            where.root, tracking=where.tracking.model_validate({"webhook": {"url": receiver.url}})
        )
        carry_out(deployed(folder), tracked, Answer("r2", 2, "approved"))
        assert [each["event"] for each in receiver.bodies] == ["pushed"]


def test_a_rejected_version_is_gone_and_its_run_says_so(folder):
    ended = decide(folder, "rejected", by="ann", note="odd")
    assert (ended.state, ended.exit_code) == ("skipped", 99)
    assert ended.reason == "version 2 was rejected by ann: odd"
    assert (numbers(served(folder)), waiting(served(folder))) == ([1], None)
    assert of_run(folder)[0] == "version 2 was rejected by ann: odd"


@pytest.mark.parametrize(
    ("verdict", "state", "change"),
    [("approved", "done", "approve"), ("rejected", "skipped", "reject")],
)
def test_what_was_decided_elsewhere_in_the_same_way_stands(folder, verdict, state, change):
    """As by a command, or by this one if it was killed before it could record it."""
    getattr(approval, change)(served(folder), 2, "eve", "first")
    ended = decide(folder, verdict, by="ann")
    assert ended.state == state
    reason, properties = of_run(folder)
    assert (properties["decided_by"], properties["decision"]) == ("eve", verdict)
    assert state == "done" or reason == "version 2 was rejected by eve: first"


@pytest.mark.parametrize(
    ("change", "verdict", "why"),
    [
        ("reject", "approved", "version 2 was rejected by eve"),
        ("approve", "rejected", "version 2 was pushed already"),
    ],
)
def test_what_was_decided_elsewhere_in_the_other_way_is_not_undone(folder, change, verdict, why):
    getattr(approval, change)(served(folder), 2, "eve")
    ended = decide(folder, verdict)
    assert (ended.state, ended.exit_code) == ("refused", 1)
    assert why in ended.reason
    assert live(served(folder)) == (1 if change == "reject" else 2)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_a_superseded_version_changes_nothing(folder, verdict):
    push_model(folder, "r3", add=hold, auc=0.95)
    ended = decide(folder, verdict)
    assert (ended.state, ended.exit_code) == ("skipped", 99)
    assert ended.reason == f"version 2 was superseded by version 3, before it was {verdict}"
    [held] = [waiting(served(folder))]
    assert held and held.number == 3


def test_one_that_was_not_compared_with_the_live_one_is_approved_after_a_rollback(folder):
    push_model(folder, "r3", auc=0.85)
    rollback(served(folder))
    push_model(folder, "r4", add=hold, auc=0.95)
    promote(served(folder), 3)
    ended = decide(folder, version=4, run="r4")
    assert (ended.state, ended.exit_code) == ("refused", 1)
    assert "Run the pipeline again, or roll back first" in ended.reason
    rollback(served(folder))
    assert decide(folder, version=4, run="r4").state == "done"


def test_a_run_that_found_the_version_waiting_may_ask_too(folder):
    known(folder, "r3", **HELD)
    assert decide(folder, run="r3").state == "done"
    # It's the push of the run that the version is from.
    assert of_run(folder, "r2")[1]["pushed"] == 1


def test_a_version_that_ml_metadata_does_not_know_is_live(folder, caplog):
    push_model(folder, "r5", add=hold, auc=0.9)
    ended = decide(folder, version=3, run="r5")
    [pushed] = ended.outputs["pushed_model"]
    assert (pushed["uri"], pushed["properties"]["pushed_version"]) == ("", "3")
    assert "ML Metadata has no such run" in caplog.text


def test_a_run_keeps_its_bundle(folder):
    """Another one may have been deployed while nobody answered, and may push elsewhere."""
    known(folder, "r6", bundle=deployed(folder).manifest.digest, **HELD)
    answer = Answer("r6", 2, "approved")
    assert carry_out(deployed(folder, push="elsewhere"), paths(folder), answer).state == "done"
    assert live(served(folder)) == 2


def test_a_version_that_never_was(folder):
    ended = decide(folder, version=9)
    assert (ended.state, ended.exit_code) == ("refused", 1)
    assert "version 9 not found; version 2 waits" in ended.reason


@pytest.fixture
def words(folder, monkeypatch):
    """The options of an answer; the environment is that of the folder."""
    monkeypatch.setenv(ROOT, str(paths(folder).root))
    monkeypatch.setenv(METADATA, paths(folder).metadata)
    bundle = str(deployed(folder).path)
    return ["--bundle", bundle, "--run", "r2", "--version", "2", "--verdict", "rejected"]


def test_as_the_process_that_it_is(folder, words):
    typed = '--verdict approved\n"$(touch x)'
    done = subprocess.run(
        [sys.executable, "-m", "beltline.runners.approval", *words, "--by", "Änn", "--note", typed],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 99, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["node"], result["state"]) == ("Decide", "skipped")
    assert waiting(served(folder)) is None
    decision = store_of(served(folder)).state().decisions[2]
    assert (decision.verdict, decision.by, decision.note) == ("rejected", "Änn", typed)


def test_versions_that_can_not_be_written_are_a_failure(folder, words):
    (served(folder) / "approvals.json").mkdir()
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "failed"
    assert waiting(served(folder))


@pytest.mark.parametrize("wrong", [("--run", "../r"), ("--version", "two"), ("--verdict", "maybe")])
def test_invalid_options(folder, words, wrong):
    done = CliRunner().invoke(main, [*words, *wrong])
    assert done.exit_code == 2
    assert waiting(served(folder))
