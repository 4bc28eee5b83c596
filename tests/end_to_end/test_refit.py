"""A blessed model is trained once more on all rows: that one is served, and lineage says so."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, Project, casting, states
from tests.end_to_end.test_killed_training import processes_of
from tests.serving import running

pytestmark = pytest.mark.slow

REFITTED = [*NODES[:-1], "Refit", "RefitCheck", "Pusher"]


def sets(*settings: str) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


REFIT = sets(
    *("training.refit=after_blessing", "training.gpu=off", "model.learners=[trees]"),
    "evaluation.thresholds.auc.lower=0.6",
)
OWN = """\
from beltline.models import training


def run_fn(fn_args):
    if fn_args.base_model:
        fn_args.custom_config["model"]["tree_learning_rate"] = 1e-6
    training.run_fn(fn_args)
"""


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("refit"))
    result = project("run", *REFIT)
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(REFITTED, "done"), result.text
    return project


def model(project: Project, node: str) -> Path:
    [found] = project.root.glob(f"artifacts/{node}/model/*/Format-Serving")
    return found


def card(project: Project, version: int = 1) -> dict[str, Any]:
    file = project.root / f"served/casting/{version}/assets.extra/version.json"
    return dict(json.loads(file.read_text()))


def test_rest_answers_what_the_refit_says_and_not_the_judged_model(
    project: Project, tmp_path: Path
) -> None:
    import tensorflow as tf

    served = project.root / "served/casting"
    rows = json.loads((served / "1/assets.extra/check_rows.json").read_text())["rows"]
    with running.server(served, tmp_path / "log") as server:
        server.wait_until_ready()
        answers = server.ask({"inputs": rows}).json()["outputs"]["probability"]

    def says(node: str) -> Any:
        answer = tf.saved_model.load(str(model(project, node))).signatures["serving_default"]
        specs = answer.structured_input_signature[1]
        values = {
            name: [np.nan if value is None else value for value in rows[name]] for name in specs
        }
        given = {name: tf.constant(values[name], spec.dtype) for name, spec in specs.items()}
        return answer(**given)["probability"].numpy()

    assert answers == pytest.approx(says("Refit"), rel=1e-5, abs=1e-6)
    assert np.abs(says("Trainer") - answers).max() > 0.01


def test_the_refit_learns_from_all_rows_what_the_judged_model_has_found(project: Project) -> None:
    extra = {node: model(project, node) / "assets.extra" for node in ("Trainer", "Refit")}
    for file in ("recipe.json", "threshold.json"):
        assert (extra["Trainer"] / file).read_text() == (extra["Refit"] / file).read_text()
    recipe = json.loads((extra["Refit"] / "recipe.json").read_text())
    learned = recipe["train_rows"] + recipe["validation_rows"]
    rounds = round(recipe["lengths"]["rounds"] * 3000 / learned)
    log = project("logs", "latest", "Refit").out
    assert 2200 < learned < 2600 and "3,000 rows of " in log
    assert f"best of {rounds} rounds: round {rounds}, " in log


def test_lineage_and_listing_say_which_was_judged_and_which_is_served(project: Project) -> None:
    models = json.loads(project("lineage", "1", "--json").out)["models"]
    for name, node in (("judged", "Trainer"), ("served", "Refit")):
        assert Path(models[name]) == model(project, node).parent
    text = project("lineage", "1").out
    assert f"judged     {models['judged']}\n" in text and f"served     {models['served']}:" in text
    assert project("models").out.rstrip().endswith("live, first, refit")
    assert json.loads(project("report", "--json").out)["version"]["refit"] is True


@pytest.mark.long
def test_what_is_unchanged_is_not_trained_again_and_the_champion_is_the_judged_model(
    project: Project,
) -> None:
    assert "up to date" in project("run", *REFIT).text
    again = states(project("run", *REFIT, "--set", "push.check_rows=5"))
    # There is a champion now, so that the model is judged anew.
    assert (again["Evaluator"], again["Refit"], again["RefitCheck"]) == ("done", "cached", "done")
    assert again["Pusher"] == "skipped"
    other = project("run", *REFIT, *sets("training.seed=9", "evaluation.champion.margin=-1"))
    assert other.code == 0, other.text
    evaluated = json.loads(project("report", "--json").out)["evaluation"]
    assert evaluated["champion"] == "1"
    champion = {each["metric"]: each["champion"] for each in evaluated["metrics"]}
    # The served one has learned from these rows, and would be hard to beat.
    assert champion == pytest.approx(card(project)["metrics"])


def test_where_a_gate_refuses_nothing_is_trained_again(project: Project) -> None:
    before = list(project.root.glob("artifacts/Refit/model/*"))
    refused = project("run", *REFIT, "--set", "evaluation.thresholds.auc.lower=0.9999")
    assert refused.code == 3, refused.text
    found = states(refused)
    assert [found[node] for node in ("Refit", "RefitCheck", "Pusher")] == ["skipped"] * 3
    assert list(project.root.glob("artifacts/Refit/model/*")) == before


@pytest.mark.long
def test_a_refit_that_went_wrong_is_not_pushed(project: Project) -> None:
    versions = project.versions()
    (project.folder / "wrong.py").write_text(OWN)
    margin = "evaluation.champion.margin=-1"
    result = project("run", *REFIT, *sets("model.run_fn=wrong.run_fn", margin))
    assert result.code == 3, result.text
    assert states(result)["Evaluator"] == "done"
    assert "RefitCheck refused; nothing was pushed, version" in result.err
    assert "on rows that it has learned from: log loss" in result.err
    assert project.versions() == versions


@pytest.mark.long
def test_a_refit_that_was_killed_goes_on(beltline: Beltline, tmp_path: Path) -> None:
    project = casting(beltline, tmp_path)
    long = ("model.learners=[network]", "training.epochs=12", "training.learning_rate=0.0005")
    run = ("run", *REFIT, *sets(*long, "training.checkpoint_minutes=0"))
    call = project.start(*run)
    end = time.monotonic() + 240
    while not list(project.root.glob("artifacts/Refit/checkpoints/*/state.npz")):
        assert time.monotonic() < end
        time.sleep(0.005)
    [log] = project.root.glob("logs/*/Refit.log")
    for process in processes_of(log):
        os.kill(process, signal.SIGKILL)
    assert call.wait(120).code == 1
    second = project(*run)
    assert second.code == 0, second.text
    assert states(second)["Trainer"] == "cached"
    assert "resuming an interrupted training after epoch" in project("logs", "latest", "Refit").out
    assert not list(project.root.glob("artifacts/Refit/checkpoints/*"))
