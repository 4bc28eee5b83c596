"""The last task of a run: ML Metadata is true after it, and it says how the run ended."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beltline.base.settings.tracking import Tracking, Webhook
from beltline.bundle import folder
from beltline.runners.kubeflow.pod import report
from beltline.runners.kubeflow.pod.report import reported
from beltline.runners.metadata.store import REASON, REFUSED, Lineage
from beltline.runners.pods.log_line import results
from beltline.runners.result import RunResult
from tests.bundle.bundles import NODES, manifest
from tests.http_receiver import receiving
from tests.runners.projects import Ledger, paths

EVERY = [node.id for node in NODES]
PUSHED = {"pushed_model": ("PushedModel", {"pushed": 1, "pushed_version": "7"})}


class Run:
    """A run that a test writes to ML Metadata, and what is reported of it."""

    def __init__(self, parent: Path):
        self.paths = paths(parent)
        self.ledger = Ledger(self.paths.metadata)
        self.ledger.run("run")

    def complete(self, *nodes: str) -> None:
        for node in nodes:
            self.ledger.node("run", node, outputs=PUSHED if node == "Pusher" else None)

    def report(self, monitored: bool = False) -> RunResult:
        return reported(manifest(), "run", self.paths, monitored)

    def states(self) -> dict[str, tuple[str, str]]:
        found = Lineage(self.paths.metadata, "line").nodes("run")
        return {each.node: (each.state, each.reason) for each in found}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_good_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.complete(*EVERY)
    assert run.report() == RunResult("done", version="7", run="run")
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [[node, "done"] for node in EVERY]
    page = run.paths.root / "reports/run.html"
    assert last == f"report: {page}"
    assert "line: run run" in page.read_text()


def test_a_report_that_can_not_be_written_fails_no_run(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.complete(*EVERY)
    (run.paths.root / "reports").write_text("in the way")
    assert run.report().end == "done"
    assert "line: no report was written: " in capsys.readouterr().err


def test_what_was_left_running_was_killed(run: Run) -> None:
    run.complete(*EVERY[: EVERY.index("Trainer")])
    run.ledger.node("run", "Trainer", "RUNNING")
    found = run.report()
    assert (found.end, found.node, found.code) == ("failed", "Trainer", 1)
    assert "its pod was killed" in found.reason
    assert run.states()["Trainer"] == ("failed", found.reason)


def test_a_refusal_names_the_version_that_stays(run: Run) -> None:
    version = run.paths.root / "served/line/6"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_text("")
    run.complete("ExampleGen", "Schema")
    run.ledger.node("run", "DataGate", "FAILED", **{REFUSED: "yes", REASON: "too cold"})
    assert run.report() == RunResult("refused", "DataGate", "too cold", "6", 3, "run")


def test_other_tools_are_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.complete("ExampleGen", "Schema")
    run.ledger.node("run", "DataGate", "FAILED", **{REFUSED: "yes", REASON: "too cold"})
    (run.paths.root / "line.prom").mkdir()
    with receiving() as receiver:
        section = Tracking(webhook=Webhook(url=receiver.url), prometheus="line.prom")
        run.paths = replace(run.paths, tracking=section)
        assert run.report().end == "refused"
    [body] = receiver.bodies
    assert (body["event"], body["reason"]) == ("refused", "too cold")
    assert "tracking.prometheus: run run was not reported" in capsys.readouterr().err


def test_without_an_alarm_nothing_was_to_run(run: Run) -> None:
    assert run.report().end == "failed"
    assert run.report(monitored=True) == RunResult("done", run="run")


def test_after_an_alarm_it_reports_as_of_any_run(run: Run) -> None:
    run.complete("ExampleGen")
    assert run.report(monitored=True) == run.report()
    assert "no result was recorded" in run.report(monitored=True).reason


def test_of_a_node_that_was_tried_again_the_last_try_counts(run: Run) -> None:
    run.ledger.node("run", "ExampleGen", "FAILED")
    run.complete(*EVERY)
    assert run.report().end == "done"


def test_a_pod_that_never_came_is_no_success(run: Run) -> None:
    run.complete(*(node for node in EVERY if node != "Champion"))
    found = run.report()
    assert (found.end, found.node, found.code) == ("failed", "Champion", 1)
    assert "no result was recorded" in found.reason


def test_what_follows_a_failure_is_not_the_reason(run: Run) -> None:
    run.complete("ExampleGen", "Schema")
    run.ledger.node("run", "DataGate", "FAILED", **{REASON: "broken"})
    found = run.report()
    assert (found.node, found.reason) == ("DataGate", "broken")


def test_nothing_to_run_on_is_told_as_by_the_local_runner(run: Run) -> None:
    run.ledger.node("run", "ExampleGen", "CANCELED", **{REASON: "no span 7"})
    found = run.report()
    assert (found.end, found.node, found.reason, found.code) == (
        *("failed", "ExampleGen", "no span 7"),
        2,
    )


def command(tmp_path: Path, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code").path
    return called("--bundle", bundle, "--run", "run", *more, **env)


def called(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    words: list[Any] = ["-m", "beltline.runners.kubeflow.pod.report", *arguments]
    return subprocess.run(
        [sys.executable, *words], env=os.environ | env, capture_output=True, text=True
    )


def test_the_command_has_the_exit_code_and_the_last_line(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.ledger.node("run", "DataGate", "FAILED", **{REFUSED: "yes", REASON: "too cold"})
    done = command(tmp_path, BELTLINE_ROOT=str(run.paths.root))
    assert done.returncode == 3, done.stderr
    assert RunResult.from_line(next(results(done.stdout))).node == "DataGate"
    assert "DataGate refused; nothing was pushed" in done.stderr


def test_before_the_first_alarm_there_is_no_bundle(tmp_path: Path) -> None:
    words = ("--bundle", tmp_path / "nowhere", "--run", "run")
    done = called(*words, "--monitored", BELTLINE_ROOT=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert RunResult.from_line(next(results(done.stdout))) == RunResult("done", run="run")
    assert called(*words, BELTLINE_ROOT=str(tmp_path)).returncode == 1


def test_without_a_database_it_fails_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    url = "mysql://beltline:hidden-word@127.0.0.1:1/metadata"
    monkeypatch.setenv("BELTLINE_METADATA", url)
    bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code").path
    done = CliRunner().invoke(report.main, ["--bundle", str(bundle), "--run", "run"])
    assert done.exit_code == 1
    found = RunResult.from_line(next(results(done.stdout)))
    assert (found.end, found.node) == ("failed", "report")
    assert "can't be opened" in found.reason
    assert "hidden-word" not in done.output
