"""What a node would find: told as findings, and as a node tells its result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beltline.bundle.folder import write
from beltline.runners.checks.finding import Finding, Problem
from beltline.runners.checks.probe import metadata, probe, root, writable
from tests.bundle.bundles import manifest
from tests.runners.projects import Ledger, paths


def found(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def test_where_all_is_well(tmp_path: Path) -> None:
    bundle = write(tmp_path / "bundles", manifest(), b"", b"")
    findings = found(probe(bundle.path, paths(tmp_path)))
    assert {name for name, each in findings.items() if not each.ok} == set()
    assert {"python", "libraries", "bundle", "root", "metadata"} <= findings.keys()
    assert findings["bundle"].text == bundle.manifest.digest[:16]
    assert not (tmp_path / ".beltline").exists(), "to look makes nothing"


def test_what_is_no_bundle(tmp_path: Path) -> None:
    finding = found(probe(tmp_path, paths(tmp_path)))["bundle"]
    assert finding.ok is False and "not a bundle" in finding.text


def test_a_bundle_of_other_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beltline.bundle.environment.lock_digest", lambda: "here")
    bundle = write(tmp_path, manifest(lock="there"), b"", b"")
    finding = found(probe(bundle.path, paths(tmp_path)))["bundle"]
    assert finding.ok is False and "there" in finding.text


def test_a_root_below_a_file(tmp_path: Path) -> None:
    (tmp_path / ".beltline").write_text("a file")
    with pytest.raises(Problem, match="not writable"):
        root(paths(tmp_path))


def test_to_look_whether_a_folder_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    assert writable(tmp_path / "a/b", "it") == str(tmp_path / "a/b")
    assert list(tmp_path.iterdir()) == []


def test_the_runs_in_ml_metadata(tmp_path: Path) -> None:
    where = paths(tmp_path)
    assert "will be created by the first run" in metadata(where, "line")
    Ledger(where.metadata).run("a")
    assert metadata(where, "line") == "1 runs of line"


def test_as_a_task_calls_it(tmp_path: Path) -> None:
    bundle = write(tmp_path / "bundles", manifest(), b"", b"")
    done = subprocess.run(
        [sys.executable, "-m", "beltline.runners.checks.probe", "--bundle", str(bundle.path)],
        env=os.environ | paths(tmp_path).environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["node"], told["state"], told["reason"]) == ("probe", "done", "")
    assert {"host", "user", "time"} <= told.keys()
    assert all(Finding.from_json(each).ok for each in told["findings"])
    assert "metadata" in done.stderr
