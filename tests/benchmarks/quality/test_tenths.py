"""Published scores beside ours on a tenth of the rows: what is measured already is kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.quality.tenths import SETTINGS, section


def test_the_section_says_who_learned_from_what() -> None:
    runs = [{"log loss": 0.05}, {"log loss": 0.07}]
    text = section({"segment": runs}, "command")
    assert "`command`; 2" in text and "random tenth" in text
    assert "| segment | log loss | 0.06 | 0.014 | 0.065 | 0.054 | yes |" in text


def test_the_shares_are_nine_tenths_and_one() -> None:
    shares = {key.rpartition(".")[2]: float(share) for key, _, share in _parts()}
    assert shares["eval"] == pytest.approx(0.1) and sum(shares.values()) == pytest.approx(1)


def _parts() -> list[tuple[str, str, str]]:
    return [setting.partition("=") for setting in SETTINGS]


def test_what_is_measured_is_not_run_again(tmp_path: Path) -> None:
    measured, page = tmp_path / "tenths.json", tmp_path / "page.md"
    measured.write_text(json.dumps({"segment": [{"log loss": 0.05}, {"log loss": 0.07}]}))
    command = [sys.executable, "-m", "benchmarks.quality.tenths", "--set", "segment"]
    command += ["--splits", "2", "--measured", str(measured), "-o", str(page)]
    command += ["--kept", str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0.06" in page.read_text() and not (tmp_path / "kept").exists()
