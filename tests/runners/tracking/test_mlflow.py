"""A run at a real MLflow server; without one, and at one that refuses."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.settings.tracking import Tracking
from beltline.runners.cli.commands.promote import promote
from beltline.runners.cli.commands.rollback import rollback
from beltline.runners.tracking.failures import NotTold
from beltline.runners.tracking.live import tell_live
from beltline.runners.tracking.mlflow_server import Mlflow
from tests.mlflow_server import Server, mlflow_server, values
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import project
from tests.runners.test_training_curves import write
from tests.runners.tracking.runs import EVERY, Story

CONFIG = {
    "model": {"hidden": [8, 4], "learners": ["trees"]},
    "training": {"seed": 7, "long": "é" * 900},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


def trained(story: Story, folder: Path, version: str = "") -> Story:
    """Every node has run, with curves, metrics, and a version where one is named."""
    write(folder / "run/trees/train", "loss", [0.5, 0.25, math.nan])
    config = {"custom_config": json.dumps(CONFIG)}
    numbers = {"candidate": json.dumps({"auc": 0.75, "f1": math.nan, "rows": 12.0})}
    before = {"baseline": json.dumps({"auc": 0.5})}
    pushed = {"pushed": int(bool(version)), "pushed_version": version}
    outputs = {
        "Trainer": {"model_run": ("ModelRun", {"uri": str(folder / "run")})},
        "Evaluator": {"evaluation": ("ModelEvaluation", {**numbers, **before})},
        "Pusher": {"pushed_model": ("PushedModel", pushed)},
    }
    for node in [*EVERY[:-1], "Evaluator", "Pusher"]:
        more = config if node == "Trainer" else {}
        story.ledger.node("r1", node, outputs=outputs.get(node), **more)
    return story


@pytest.mark.slow
def test_a_run_is_logged_once_with_all_that_it_was(server, story, tmp_path):
    trained(story, tmp_path)
    for _ in range(2):
        assert story.tell(mlflow=f"{server.url}/") == []
    run = server.run("line", "r1")
    nodes = story.ended().nodes.values()
    assert (run["info"]["run_name"], run["info"]["status"]) == ("r1", "FINISHED")
    assert run["info"]["start_time"] == round(min(node.started for node in nodes) * 1000)
    assert run["info"]["end_time"] == round(max(node.ended for node in nodes) * 1000)
    found = values(run["data"]["metrics"])
    assert {name: found[name] for name in found if "/" not in name} == {
        **{"auc": 0.75, "champion_auc": 0.5, "rows": 12.0}
    }
    assert server.curve(run, "trees/train/loss") == {1: 0.5, 2: 0.25}
    parameters = values(run["data"]["params"])
    assert parameters["model.hidden"] == "[8, 4]"
    assert (parameters["training.seed"], len(parameters["training.long"])) == ("7", 500)
    tags = values(run["data"]["tags"])
    assert tags["mlflow.note.content"] == "line, run r1: done; no new version"
    assert (tags["beltline.end"], tags["beltline.code"]) == ("done", "c0de")
    assert json.loads(server.file(run, "run.json"))["run"] == "r1"
    page = server.file(run, "report.html").decode()
    assert "<html" in page and "r1" in page
    assert server.live("line") is None


@pytest.mark.slow
def test_a_run_that_is_told_again_is_as_it_was_last(server, story):
    """A refusal has ended well, and a failure has not."""
    story.refused()
    assert story.tell(mlflow=server.url) == []
    run = server.run("line", "r1")
    assert run["info"]["status"] == "FINISHED"
    assert values(run["data"]["tags"])["beltline.node"] == "DataGate"
    story.ledger.node("r1", "DataGate", "FAILED")
    assert story.tell(mlflow=server.url) == []
    run = server.run("line", "r1")
    assert run["info"]["status"] == "FAILED"
    assert values(run["data"]["tags"])["beltline.end"] == "failed"


@pytest.mark.slow
def test_a_pushed_version_is_registered_and_live_follows_the_server(server, story, tmp_path):
    """Its files are there, and `beltline promote` and `rollback` move the alias."""
    project(tmp_path)
    for number, run in enumerate(("r1", "r2"), 1):
        push_model(tmp_path, run)
        one = trained(story, tmp_path / run, str(number))
        assert one.tell(mlflow=server.url) == []
    live = server.live("line")
    assert values(live["tags"])["beltline.version"] == "2"
    run = server.run("line", "r1")
    assert live["source"] == f"{run['info']['artifact_uri']}/model"
    served = story.root / "served/line/2"
    for file in (path for path in served.rglob("*") if path.is_file()):
        name = f"model/{file.relative_to(served).as_posix()}"
        assert server.file(run, name) == file.read_bytes()
    words = ["-f", str(tmp_path / "pipeline.yaml"), f"--set=tracking.mlflow={server.url}"]
    assert CliRunner().invoke(promote, ["1", *words]).exit_code == 0
    assert values(server.live("line")["tags"])["beltline.version"] == "1"
    assert CliRunner().invoke(rollback, words).exit_code == 0
    assert values(server.live("line")["tags"])["beltline.version"] == "2"
    [problem] = tell_live(Tracking(mlflow=server.url), "line", 9)
    assert problem == (
        "tracking.mlflow: version 9 as live was not reported: it is not registered there"
    )


def test_a_server_that_is_down_is_said(story):
    [problem] = story.pushed().tell(mlflow="http://127.0.0.1:1")
    assert problem == "tracking.mlflow: run r1 was not reported: 127.0.0.1:1 can't be reached"


def test_a_server_that_refuses_is_said(story, receiver):
    receiver.statuses = [401]
    [problem] = story.pushed().tell(mlflow=receiver.url)
    assert "answered 401" in problem or "answered 501" in problem


def test_what_answers_like_no_mlflow_server_is_said(story, receiver):
    [problem] = story.pushed().tell(mlflow=receiver.url)
    assert problem.startswith("tracking.mlflow: run r1 was not reported: ")


def test_credentials_are_sent_as_by_mlflows_client(receiver, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pass")
    for token in ("", "t0ken"):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        with pytest.raises(Exception, match=r"."):
            Mlflow(receiver.url).alias("m", "live", "1")
    sent = [headers["Authorization"] for _, headers, _ in receiver.requests]
    assert sent == ["Basic bWU6cGFzcw==", "Bearer t0ken"]


def test_artifacts_that_the_server_does_not_pass_on_are_said():
    with pytest.raises(NotTold, match="artifacts are at s3://bucket/1, to which only"):
        Mlflow("http://127.0.0.1:1").upload("s3://bucket/1", "run.json", b"{}")


def test_without_a_server_nobody_is_told_which_version_is_live():
    assert tell_live(Tracking(), "line", 1) == []
