"""A tuned project through its life: searched once, used again, killed in mid-search, re-tuned."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.beltline_process import Beltline, Call, Result
from tests.end_to_end.projects import QUICK, Project, casting, states

pytestmark = pytest.mark.slow

TUNED = (*QUICK, "--set", "evaluation.champion.margin=-1", "--set", "tuning.trials=2")
MISSING = (*TUNED, "--set", "tuning.when=missing")


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("tuned"), rows=1500)
    first = ran(project, *MISSING)
    assert states(first)["Tuned"] == states(first)["Tuner"] == states(first)["Trainer"] == "done"
    return project


def ran(project: Project, *arguments: str) -> Result:
    result = project("run", *arguments)
    assert result.code == 0, result.text
    return result


def searches(project: Project) -> list[Path]:
    """The tables of trials, oldest first."""
    found = project.root.glob("artifacts/Tuner/tuner_results/*/trials.json")
    return sorted(found, key=lambda file: int(file.parent.name))


def tuned(project: Project, version: int) -> dict[str, Any]:
    found = json.loads(project("lineage", str(version), "--json").out)
    return dict(found["hyperparameters"]["tuned"])


def test_the_best_of_the_search_is_trained_with(project: Project) -> None:
    [table] = searches(project)
    trials = json.loads(table.read_text())
    assert len(trials) == 2 and trials[0]["untuned"]
    [best] = [each for each in trials if each["best"]]
    assert best["val_loss"] <= trials[0]["val_loss"]
    assert tuned(project, 1) == best["hyperparameters"]
    assert "<svg" in (table.parent / "trials.html").read_text()


@pytest.mark.long
def test_a_later_run_uses_it_and_trains_again_only_if_it_must(project: Project) -> None:
    before = len(searches(project))
    other = ran(project, *MISSING, "--set", "evaluation.thresholds.auc.lower=0.29")
    assert states(other)["Trainer"] == "cached"
    assert "an earlier run has tuned" in project("logs", "latest", "Tuner").out
    other = ran(project, *MISSING, "--set", "training.epochs=3")
    assert (states(other)["Tuner"], states(other)["Trainer"]) == ("done", "done")
    # A run of a part takes over a Tuner that gave nothing.
    other = ran(project, *MISSING, "--from", "Trainer", "--set", "training.epochs=4")
    assert "Tuner" not in states(other) and states(other)["Trainer"] == "done"
    assert len(searches(project)) == before
    assert tuned(project, int(project.versions()[-1])) == tuned(project, 1)


def wait_for_a_trial(project: Project, call: Call) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        assert call.process.is_alive(), call.wait().text
        for file in project.root.glob("artifacts/Tuner/.system/searches/*/search.json"):
            ended = [each["status"] for each in json.loads(file.read_text())["trials"]]
            if ended == ["COMPLETED", "RUNNING"]:
                return
        time.sleep(0.05)
    raise AssertionError("no trial has ended")


@pytest.mark.long
def test_a_killed_search_goes_on_in_a_new_run_and_takes_the_place_of_the_old(
    project: Project,
) -> None:
    before = len(searches(project))
    # Long enough to be killed in.
    always = (*TUNED, "--set", "tuning.when=always", "--set", "tuning.epochs=40")
    call = project.start("run", *always)
    wait_for_a_trial(project, call)
    for process in psutil.Process(call.process.pid).children(recursive=True):
        process.kill()
    assert call.wait().code == 1
    assert len(searches(project)) == before
    again = ran(project, *always)
    assert states(again)["Tuner"] == "done"
    said = project("logs", "latest", "Tuner").out
    assert "resuming after 1 trials" in said and "trial 0:" not in said
    assert len(searches(project)) == before + 1
    # What depends on the same is not searched again, and another run without a search finds it.
    assert states(ran(project, *always, "--set", "push.check_rows=5"))["Tuner"] == "cached"
    ran(project, *MISSING, "--set", "training.epochs=5")
    best = [each for each in json.loads(searches(project)[-1].read_text()) if each["best"]]
    assert tuned(project, int(project.versions()[-1])) == best[0]["hyperparameters"]
