"""TensorBoard itself, over runs of a real ML Metadata."""

import os
import re
import subprocess
import sys
import time

import pytest
import requests
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.tensorboard import tensorboard
from tests.runners.projects import Ledger, paths, project
from tests.runners.test_training_curves import write


@pytest.fixture
def folder(tmp_path):
    """A project with a run of two learners, one that reused it, and one without a Trainer."""
    project(tmp_path)
    ledger = Ledger(paths(tmp_path).metadata)
    for learner in ("network", "trees"):
        write(tmp_path / f"run/{learner}/train", "loss", [0.5, 0.25])
    made = {"model_run": ("ModelRun", {"uri": str(tmp_path / "run")})}
    for run, state in (("r1", "COMPLETE"), ("r2", "CACHED")):
        ledger.run(run)
        ledger.node(run, "Trainer", state, outputs=made)
    ledger.run("r3")
    ledger.node("r3", "ExampleGen")
    return tmp_path


def refusal(folder, *arguments):
    words = ["-f", str(folder / "pipeline.yaml"), *arguments]
    error = CliRunner().invoke(tensorboard, words).exception
    assert isinstance(error, WrongInput)
    return str(error)


def test_a_run_without_curves_is_said(folder):
    assert refusal(folder, "r3") == (
        "run r3 has no training curves on this machine; `beltline run` writes them"
    )
    assert "run 'r4' not found" in refusal(folder, "r4")


def test_no_run_at_all(tmp_path):
    project(tmp_path)
    assert refusal(tmp_path).startswith("no run has training curves on this machine")


def test_one_run_is_shown_by_its_id(folder, monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.append((program, words)))
    words = ["-f", str(folder / "pipeline.yaml"), "r1", "--port", "7007"]
    for _ in range(2):
        assert CliRunner().invoke(tensorboard, words).exit_code == 0
    program, [_, *rest] = started[0]
    links = paths(folder).root / "tensorboard/line"
    shown = ["--logdir", str(links), "--host", "127.0.0.1", "--port", "7007"]
    assert (program, rest) == (sys.executable, ["-m", "tensorboard.main", *shown])
    assert [each.name for each in links.iterdir()] == ["r1"]
    for learner in ("network", "trees"):
        assert (links / "r1" / learner).resolve() == folder / "run" / learner


@pytest.mark.slow
def test_tensorboard_shows_each_run_by_its_id(folder):
    command = [sys.executable, "-m", "beltline.runners.cli", "tensorboard", "--port", "0"]
    environment = {name: text for name, text in os.environ.items() if "BELTLINE_" not in name}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=-1, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            url = next(
                found[0]
                for line in process.stdout
                if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
            )
            shown = {
                f"{run}/{learner}/train" for run in ("r1", "r2") for learner in ("network", "trees")
            }
            end = time.monotonic() + 60
            while (found := set(requests.get(f"{url}data/runs", timeout=20).json())) != shown:
                assert time.monotonic() < end, found
                time.sleep(0.2)
        finally:
            # Who starts the tests may ignore SIGINT, and so would this process.
            process.terminate()
            process.communicate(timeout=30)
