"""A training that is killed in the middle reaches, to the bit, what it would have reached."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.models.rows import config, table, transform

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rows")
    transform(made, config(), {"train": table(600), "validation": table(200, seed=1)})
    return made


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.models.train_alone", str(folder), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True)


def replaced(folder: Path, times: int, process: "subprocess.Popen[str]") -> None:
    """Waits until the state has been written so many times."""
    seen: set[int] = set()
    end = time.monotonic() + 120
    while len(seen) < times:
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        for found in folder.rglob("state.npz"):
            # The number of a file that was replaced is soon another one's.
            seen.add(found.stat().st_mtime_ns)
        time.sleep(0.002)


@pytest.mark.parametrize(
    "kind",
    ["both"]
    + [
        pytest.param(kind, marks=pytest.mark.long)
        for kind in ("memory", "files", "trees", "two devices")
    ],
)
def test_kill_9_in_the_middle_changes_nothing(folder: Path, kind: str) -> None:
    where = folder / kind.replace(" ", "-")
    first = start(folder, kind)
    replaced(where, 4, first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert not (where / "points.json").exists()
    second = start(folder, kind, "--and-anew")
    _, said = second.communicate(timeout=300)
    assert second.returncode == 0, said[-3000:]
    found = re.findall(r"resuming an interrupted training after (epoch|round) (\d+)", said)
    resumed, anew = re.findall(r"weights digest (\w{16})", said)
    assert resumed == anew
    if kind == "both":
        # The trees were complete, and the network was not.
        assert [unit for unit, _ in found] == ["round", "epoch"]
        assert said.count("best of") == 4 and said.count("round 1: ") == 1
        assert said.count("networks: 4, and each leaves out a fold") == 2
        return
    ((_, epoch),) = found
    assert int(epoch) >= 4
    curves = [
        json.loads((place / "points.json").read_text())
        for place in (where, where.with_name(f"{where.name}-anew"))
    ]
    assert curves[0] == curves[1]
    assert len(curves[0]) > int(epoch)
    if kind == "trees":
        return
    rates = {point["learning_rate"] for point in curves[0]}
    assert len(rates) > 1, "no plateau was met: the test would not see its state"
