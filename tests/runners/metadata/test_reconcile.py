"""What a run that was killed has left running is marked, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

from beltline.bundle.folder import write
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.store import Lineage
from tests.bundle.bundles import manifest
from tests.runners.projects import Ledger, paths


def test_only_what_is_running_in_that_run_is_marked(tmp_path: Path) -> None:
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("killed")
    ledger.run("other")
    ledger.node("killed", "ExampleGen")
    ledger.node("killed", "Trainer", state="RUNNING")
    ledger.node("other", "Trainer", state="RUNNING")
    assert reconcile(where, "line", "killed", "power cut") == ["Trainer"]
    lineage = Lineage(where.metadata, "line")
    states = {each.node: (each.state, each.reason) for each in lineage.nodes("killed")}
    assert states == {"ExampleGen": ("complete", ""), "Trainer": ("failed", "power cut")}
    assert [each.state for each in lineage.nodes("other")] == ["running"]


def test_some_nodes_alone(tmp_path: Path) -> None:
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    for node in ("Champion", "Evaluator", "Trainer"):
        ledger.node("run", node, state="RUNNING")
    assert reconcile(where, "line", "run", "stopped", ["Champion"]) == ["Champion"]
    found = Lineage(where.metadata, "line").nodes("run")
    states = {each.node: each.state for each in found}
    assert states == {"Champion": "failed", "Evaluator": "running", "Trainer": "running"}
    assert reconcile(where, "line", "run", "stopped", ["Evaluator", "Champion"]) == ["Evaluator"]


def test_a_run_that_is_not_known_leaves_nothing_to_do(tmp_path: Path) -> None:
    where = paths(tmp_path)
    Ledger(where.metadata)
    assert reconcile(where, "line", "never", "stopped") == []


def test_as_a_command(tmp_path: Path) -> None:
    """As Airflow's failure callback calls it, in an environment without TFX."""
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    for node in ("Champion", "Evaluator", "Trainer"):
        ledger.node("run", node, state="RUNNING")
    bundle = write(tmp_path, manifest(), b"", b"")
    words = ["--bundle", str(bundle.path), "--run", "run", "--reason", "it's gone"]
    words += ["--node", "Champion", "--node", "Trainer"]
    command = [sys.executable, "-m", "beltline.runners.metadata.reconcile", *words]
    environment = os.environ | where.environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Trainer: marked failed in ML Metadata: it's gone" in done.stderr
    found = {each.node: each for each in Lineage(where.metadata, "line").nodes("run")}
    assert [each.state for each in found.values()] == ["failed", "running", "failed"]
    assert found["Trainer"].reason == "it's gone"


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    words = ["--bundle", str(tmp_path), "--run", "run", "--reason", "stopped"]
    done = subprocess.run(
        [sys.executable, "-m", "beltline.runners.metadata.reconcile", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "not a bundle" in done.stderr
