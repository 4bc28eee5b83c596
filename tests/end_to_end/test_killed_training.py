"""kill -9 of the Trainer in the middle of a run: the next run goes on, to the same weights."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import Project, casting, states

pytestmark = pytest.mark.slow

LONG = [
    argument
    for each in (
        "training.folds=1",
        "training.epochs=12",
        "training.patience=12",
        "training.checkpoint_minutes=0",
    )
    for argument in ("--set", each)
]
RUN = ("run", "--to", "Trainer", *LONG)


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return casting(beltline, tmp_path_factory.mktemp("killed"))


def checkpoints(project: Project) -> list[Path]:
    """Those of the network, which takes its time; the trees are whole before it begins."""
    return list(project.root.glob("artifacts/Trainer/checkpoints/*/network/state.npz"))


def processes_of(log: Path) -> list[int]:
    """The processes whose standard error is this file."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/2"):
        try:
            if link.readlink() == log:
                found.append(int(link.parts[2]))
        except OSError:
            continue
    return found


def wait_for_checkpoints(project: Project, number: int) -> None:
    seen: set[int] = set()
    end = time.monotonic() + 240
    while len(seen) < number:
        assert time.monotonic() < end
        seen.update(file.stat().st_ino for file in checkpoints(project))
        time.sleep(0.005)


def training_log(project: Project) -> str:
    return project("logs", "latest", "Trainer").out


def test_a_killed_training_goes_on_in_the_next_run(project: Project) -> None:
    call = project.start(*RUN)
    wait_for_checkpoints(project, 3)
    (log,) = project.root.glob("logs/*/Trainer.log")
    trainers = processes_of(log)
    assert trainers
    for process in trainers:
        os.kill(process, signal.SIGKILL)
    first = call.wait(120)
    assert first.code == 1 and "Trainer" in first.err, first.text
    assert len(checkpoints(project)) == 1

    second = project(*RUN)
    assert second.code == 0, second.text
    assert states(second)["Transform"] == "cached"
    said = training_log(project)
    (epoch,) = re.findall(r"resuming an interrupted training after epoch (\d+)", said)
    assert 3 <= int(epoch) < 12
    assert checkpoints(project) == []

    third = project(*RUN, "--force", "Trainer")
    assert third.code == 0, third.text
    anew = training_log(project)
    assert "resuming" not in anew
    digests = [re.findall(r"weights digest (\w+)", text) for text in (said, anew)]
    assert digests[0] == digests[1] and len(digests[0]) == 1
    curves = project.root / "artifacts/Trainer/model_run"
    assert len(list(curves.glob("*/network/validation/events*"))) >= 2


def test_a_gpu_that_is_required_and_missing(project: Project) -> None:
    result = project("run", "--to", "Trainer", "--set", "training.gpu=required")
    assert result.code == 1, result.text
    assert "`training.gpu: required`, but no GPU was found" in result.err
    assert "Traceback" not in result.err
