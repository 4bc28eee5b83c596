"""What Airflow's last task calls, as the process that it is."""

import json
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from beltline.bundle import folder
from beltline.runners.metadata.store import Lineage
from beltline.runners.paths import METADATA, ROOT, TRACKING
from beltline.runners.tracking import command
from tests.bundle.bundles import manifest


@pytest.fixture
def called(tmp_path, story):
    def call(run: str = "r1", **tracking: object) -> "subprocess.CompletedProcess[str]":
        bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code").path
        paths = story.paths(**tracking)
        environment = {ROOT: str(paths.root), METADATA: paths.metadata}
        section = {TRACKING: paths.tracking.model_dump_json(exclude_none=True)}
        return subprocess.run(
            [sys.executable, "-m", "beltline.runners.tracking", "--bundle", bundle, "--run", run],
            env=os.environ | environment | section,
            capture_output=True,
            text=True,
        )

    return call


def test_a_run_is_told(story, receiver, called):
    story.refused()
    done = called(webhook={"url": receiver.url})
    assert done.returncode == 0, done.stderr
    [body] = receiver.bodies
    assert (body["event"], body["node"], body["reason"]) == (
        *("refused", "DataGate", "temp: too cold"),
    )
    assert (
        json.loads(done.stdout.splitlines()[-1]).items()
        >= {**{"node": "Track", "state": "done", "reason": "temp: too cold"}}.items()
    )


def test_the_report_is_written_whether_a_tool_is_told_or_not(story, called, tmp_path):
    story.refused()
    done = called()
    assert done.returncode == 0, done.stderr
    page = story.paths().root / "reports/r1.html"
    assert f"report: {page}" in done.stderr
    assert "temp: too cold" in page.read_text()


def test_a_run_of_no_node_has_no_report(story, called):
    done = called()
    assert done.returncode == 0, done.stderr
    assert not (story.paths().root / "reports").exists()
    assert "no report" not in done.stderr


def test_a_receiver_that_is_down_is_a_warning(story, called):
    story.pushed()
    done = called(webhook={"url": "http://127.0.0.1:1/s3cret"})
    assert done.returncode == 0, done.stderr
    assert "WARNING beltline.tracking: tracking.webhook: run r1 was not reported" in done.stderr
    assert "s3cret" not in done.stderr


@pytest.fixture
def within(tmp_path, story, receiver, monkeypatch):
    """Calls it in this process; it waits for a node that is being stopped as long as is said."""

    def call(seconds: float) -> None:
        bundle = folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code").path
        paths = story.paths(webhook={"url": receiver.url})
        monkeypatch.setenv(ROOT, str(paths.root))
        monkeypatch.setenv(METADATA, paths.metadata)
        monkeypatch.setenv(TRACKING, paths.tracking.model_dump_json(exclude_none=True))
        monkeypatch.setattr(command, "_STOPPING_SECONDS", seconds)
        done = CliRunner().invoke(command.main, ["--bundle", str(bundle), "--run", "r1"])
        assert done.exit_code == 0, done.output

    return call


def test_a_node_that_is_being_stopped_says_why_itself(story, receiver, within):
    story.ledger.node("r1", "ExampleGen")
    left = story.ledger.node("r1", "DataGate", "RUNNING")
    lineage = Lineage(story.paths().metadata, "line")
    stopping = threading.Timer(0.5, lineage.fail, (left, "stopped by SIGTERM"))
    stopping.start()
    within(20)
    stopping.join()
    assert [body["reason"] for body in receiver.bodies] == ["stopped by SIGTERM"]


def test_a_node_that_was_killed_has_failed(story, receiver, within):
    story.ledger.node("r1", "ExampleGen")
    story.ledger.node("r1", "DataGate", "RUNNING")
    within(0)
    [body] = receiver.bodies
    assert (body["event"], body["node"], body["reason"]) == (
        *("failed", "DataGate", "its task was killed"),
    )


def test_a_run_of_no_name_is_refused(called):
    assert called(run="../r1").returncode == 2
