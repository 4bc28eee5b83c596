"""What Airflow's last task calls, as the process that it is."""

import json
import os
import subprocess
import sys

import pytest

from beltline.bundle import folder
from beltline.runners.paths import METADATA, ROOT, TRACKING
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


def test_a_receiver_that_is_down_is_a_warning(story, called):
    story.pushed()
    done = called(webhook={"url": "http://127.0.0.1:1/s3cret"})
    assert done.returncode == 0, done.stderr
    assert "WARNING beltline.tracking: tracking.webhook: run r1 was not reported" in done.stderr
    assert "s3cret" not in done.stderr


def test_a_node_that_was_killed_has_failed(story, receiver, called):
    story.ledger.node("r1", "ExampleGen")
    story.ledger.node("r1", "DataGate", "RUNNING")
    assert called(webhook={"url": receiver.url}).returncode == 0
    [body] = receiver.bodies
    assert (body["event"], body["node"], body["reason"]) == (
        *("failed", "DataGate", "its task was killed"),
    )


def test_a_run_of_no_name_is_refused(called):
    assert called(run="../r1").returncode == 2
