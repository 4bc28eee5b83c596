"""The comparison's runs: what has scores is not run again, and what changed is."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from benchmarks.quality.__main__ import check_installed
from benchmarks.quality.runs import Runs
from benchmarks.quality.score_files import ours_file, peers_file
from benchmarks.quality.sets import PACKAGES

HERE = ("HistGradientBoosting", "LightGBM")


def put(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def peers(*names: str) -> dict[str, object]:
    rows = {"train": 70, "validation": 10, "eval": 20}
    return {
        "rows": rows,
        "task": "binary",
        "rarest": 0.3,
        "peers": {name: {"auc": 0.8} for name in names},
    }


def test_what_lies_there_is_read(tmp_path: Path) -> None:
    runs = Runs(tmp_path, ("model.members=2",), ("LightGBM",))
    put(ours_file(tmp_path, runs.key, "wine", 0), {"auc": 0.9})
    put(peers_file(tmp_path, "wine", 0), peers(*HERE))
    pair = runs.once("wine", 0)
    assert pair.ours == {"auc": 0.9} and pair.rows == 100
    assert list(pair.peers) == ["LightGBM"]


def test_a_setting_has_scores_of_its_own_and_the_peers_are_the_same(tmp_path: Path) -> None:
    first, second = Runs(tmp_path), Runs(tmp_path, ("model.members=2",))
    assert first.key != second.key == Runs(tmp_path, ("model.members=2",)).key
    file = peers_file(tmp_path, "wine", 0)
    assert set(first.missing_peers(file)) == set(first.peers)
    put(file, peers(*HERE))
    assert set(second.missing_peers(file)) == set(first.peers) - set(HERE)


def test_a_missing_package_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "wine", ("no_such_package",))
    with pytest.raises(click.ClickException, match="not installed: no_such_package"):
        check_installed(["wine"], HERE)
    check_installed(["iris"], HERE)


@pytest.mark.slow
@pytest.mark.long
def test_an_experiment_finds_what_the_pipeline_does(tmp_path: Path) -> None:
    settings = ["training.epochs=2"]
    runs = Runs(tmp_path / "scores", settings, HERE)
    pair = runs.once("penguins", 0)
    assert pair.rows == 344 and set(pair.peers) == set(HERE)
    assert all(metrics["auc"] > 0.95 for metrics in pair.peers.values())
    output = tmp_path / "metrics.json"
    words = ["--set", "penguins", "--splits", "1", "--with", *settings, "-o", str(output)]
    words += ["--kept", str(tmp_path / "kept"), "--scores", str(tmp_path / "scores")]
    command = [sys.executable, "-m", "benchmarks.quality.experiment", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [metrics] = json.loads(output.read_text())["penguins"]
    assert metrics.pop("seconds") > 0 and pair.ours.pop("seconds") > 0
    assert metrics == pytest.approx(pair.ours)
    assert said.startswith("penguins 0: auc ") and "; " in said
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert again.split("seconds")[0] == said.split("seconds")[0]
