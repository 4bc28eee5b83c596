"""When a run has nothing to do, and its report; runs themselves are those of tests/end_to_end."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from beltline.base.errors import GateRefused, NodeFailed
from beltline.base.settings.tracking import Tracking, Webhook
from beltline.runners.cli.commands.run import _as_it_is, _is_whole, _report, _run, _state, _watch
from beltline.runners.cli.json_lines import JsonLines
from beltline.runners.cli.live import LiveRun
from beltline.runners.local import runner
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.children import RunStopped
from beltline.runners.local.record import Record, records
from beltline.runners.local.runner import RunRequest
from beltline.runners.local.watch import Ends
from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from beltline.runners.node.outcome import Outcome, read_back
from beltline.runners.result import RunResult
from beltline.versions.approval import approve, reject
from beltline.versions.live import promote
from beltline.versions.push import hold
from tests.bundle.bundles import manifest
from tests.http_receiver import receiving
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger, paths


@pytest.fixture
def served(tmp_path):
    for run in ("r1", "r2"):
        push_model(tmp_path, run)
    return paths(tmp_path).root / "served" / "line"


def test_what_a_run_left_is_still_there(served, tmp_path):
    good, predictions = Record("r2", "line", "b", "i", "done", "2"), tmp_path / "new.csv"
    assert _is_whole(good, served, None)
    assert not _is_whole(Record("r9", "line", "b", "i", "done", "9"), served, None)
    assert not _is_whole(good, served, predictions)
    predictions.touch()
    assert _is_whole(good, served, predictions)
    # They would be by another version today.
    promote(served, 1)
    assert _is_whole(good, served, None) and not _is_whole(good, served, predictions)


def test_a_version_that_waits_is_whole_until_it_is_rejected(served, tmp_path):
    push_model(tmp_path, "r3", add=hold)
    good, predictions = Record("r3", "line", "b", "i", "done", waiting="3"), tmp_path / "new.csv"
    predictions.touch()
    assert _is_whole(good, served, None) and _is_whole(good, served, predictions)
    assert _state(good, served) == "version 3 waits for approval (`beltline approve 3`)"
    assert _as_it_is(good, served) == RunResult("done", run="r3", waiting="3")
    approve(served, 3)
    # They are by the version that was live before.
    assert _is_whole(good, served, None) and not _is_whole(good, served, predictions)
    assert _state(good, served) == "version 3 is up to date"
    assert _as_it_is(good, served) == RunResult("done", version="3", run="r3")
    push_model(tmp_path, "r4", add=hold)
    other = Record("r4", "line", "b", "i", "done", waiting="4")
    reject(served, 4)
    assert not _is_whole(other, served, None)


def test_a_version_that_was_not_compared_with_the_live_one_is_held_anew(served, tmp_path):
    promote(served, 1)
    push_model(tmp_path, "r3", add=hold)
    good = Record("r3", "line", "b", "i", "done", waiting="3")
    assert _is_whole(good, served, None)
    promote(served, 2)
    assert not _is_whole(good, served, None)


def test_a_run_writes_its_report(tmp_path, served, capsys):
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r2")
    ledger.node("r2", "Trainer", "FAILED")
    record = Record("r2", "line", "b", "i").ended("failed")
    record.write(paths(tmp_path).root)
    _report(paths(tmp_path), record, served)
    file = paths(tmp_path).root / "reports" / "r2.html"
    assert "beltline logs r2 Trainer" in file.read_text()
    assert capsys.readouterr() == (f"report: {file}\n", "")
    _report(paths(tmp_path), record, served, as_json=True)
    assert capsys.readouterr() == ("", f"report: {file}\n")


def test_a_report_that_can_not_be_written_fails_no_run(tmp_path, served, capsys):
    (paths(tmp_path).root / "reports").write_text("in the way")
    _report(paths(tmp_path), Record("r2", "line", "b", "i", "done", "2"), served)
    assert "line: no report was written: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("as_json", "terminal", "shown"),
    [(True, True, JsonLines), (False, True, LiveRun), (False, False, Ends)],
)
def test_who_shows_the_run(tmp_path, monkeypatch, as_json, terminal, shown):
    # What Rich goes by where the output is no terminal.
    monkeypatch.setenv("TTY_COMPATIBLE", "1" if terminal else "0")
    request = RunRequest("r1", ["Trainer"], Capacity.of_machine())
    with _watch(manifest(), paths(tmp_path), request, as_json) as watch:
        assert type(watch) is shown


class TestWhoIsTold:
    """The nodes' processes are those of tests/end_to_end; here they have ended already."""

    @pytest.fixture
    def receiver(self):
        with receiving() as found:
            yield found

    @pytest.fixture
    def run(self, tmp_path, receiver, monkeypatch):
        def run(nodes, as_json=False):
            """Runs `nodes` in place of the bundle's."""
            monkeypatch.setattr(runner, "run", nodes)
            section = Tracking(webhook=Webhook(url=receiver.url), mlflow="http://127.0.0.1:1")
            told = replace(paths(tmp_path), tracking=section)
            bundle = SimpleNamespace(manifest=manifest())
            served = told.served("served", "line")
            record = Record("r1", "line", "b", "i", number=1)
            _run(bundle, told, record, None, served, as_json)

        return run

    def test_of_a_refusal_and_the_error_is_the_gates(self, run, tmp_path, receiver, capsys):
        def nodes(*_):
            ledger = Ledger(paths(tmp_path).metadata)
            ledger.run("r1")
            ledger.node("r1", "DataGate", "FAILED", **{REFUSED: "yes", REASON: "too cold"})
            found = Lineage(paths(tmp_path).metadata, "line").node("r1", "DataGate")
            return [read_back(found, "DataGate")]

        with pytest.raises(GateRefused, match="too cold"):
            run(nodes)
        [body] = receiver.bodies
        assert (body["event"], body["state"], body["reason"]) == (
            *("refused", "refused", "too cold"),
        )
        said = capsys.readouterr().err
        assert "beltline: tracking.mlflow: run r1 was not reported: " in said
        assert records(paths(tmp_path).root)[0].end == "refused"
        assert (paths(tmp_path).root / "reports" / "r1.html").exists()

    def test_of_a_failure_with_the_lines_of_its_log(self, run, tmp_path, receiver):
        log = paths(tmp_path).log("r1", "Trainer")
        log.parent.mkdir(parents=True)
        log.write_text('Traceback (most recent call last):\n  File "net.py", line 7\nKeyError: 8\n')
        with pytest.raises(NodeFailed, match=r"(?s)hot.*net\.py.*KeyError: 8.*run` again"):
            run(lambda *_: [Outcome("Trainer", "failed", reason="hot")])
        assert [body["event"] for body in receiver.bodies] == ["failed"]

    def test_as_json_of_the_result_too(self, run, capsys):
        run(lambda *_: [Outcome("Trainer", "done")], as_json=True)
        [line] = capsys.readouterr().out.splitlines()
        found = json.loads(line)
        assert (found["event"], found["end"], found["run"]) == ("result", "done", "r1")

    def test_of_a_model_that_was_rejected_nobody_but_whoever_runs_it(self, run, receiver, capsys):
        reason = "this model was rejected as version 2"
        properties = {"pushed": 0, "reason": reason}
        outputs = {"pushed_model": [{"uri": "/a", "properties": properties}]}
        run(lambda *_: [Outcome("Pusher", "skipped", 5, outputs, reason)])
        said = capsys.readouterr().out
        assert said.endswith(f"nothing was pushed, no version is live: {reason}\n")
        assert receiver.bodies == []

    def test_of_a_crash_and_its_error_stays(self, run, receiver):
        def nodes(*_):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(nodes)
        [body] = receiver.bodies
        assert (body["event"], body["reason"]) == ("failed", "ZeroDivisionError")

    def test_of_a_run_that_somebody_stopped_nobody(self, run, receiver):
        def nodes(*_):
            raise RunStopped("stopped by SIGINT")

        with pytest.raises(RunStopped):
            run(nodes)
        assert receiver.bodies == []
