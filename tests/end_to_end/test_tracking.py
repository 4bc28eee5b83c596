"""A run that pushes and one that is refused, as a webhook, Prometheus and MLflow are told of them.

The numbers at a real MLflow server are those of TFMA's artifact, and the curves the event files'.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
from prometheus_client.parser import text_string_to_metric_families
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from beltline.runners.metadata.store import Lineage
from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, QUICK, Project, casting
from tests.http_receiver import Receiver, receiving
from tests.mlflow_server import Server, mlflow_server, values

pytestmark = pytest.mark.slow

ALL_LEARNERS = (*QUICK, "--set", "model.learners=[network,trees,extra_trees]")


@dataclass
class Told:
    """A project and who is told of its runs."""

    project: Project
    receiver: Receiver
    backend: Receiver
    server: Server

    def run(self, *settings: str) -> Any:
        words = [
            f"tracking.webhook.url={self.receiver.url}/s3cret",
            "tracking.prometheus=casting.prom",
            f"tracking.mlflow={self.server.url}",
            f"tracking.openlineage={self.backend.url}",
        ]
        chosen = [word for each in words for word in ("--set", each)]
        return self.project("run", *ALL_LEARNERS, *chosen, *settings)

    def artifact(self, node: str, key: str) -> Path:
        """Where an output of the first run is."""
        lineage = Lineage(f"sqlite:///{self.project.root}/metadata.sqlite", "casting")
        found = lineage.node(self.receiver.bodies[0]["run"], node)
        assert found is not None
        return Path(found.outputs[key][0]["uri"])


@pytest.fixture(scope="module")
def told(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One run has ended, and has pushed."""
    folder = tmp_path_factory.mktemp("mlflow")
    with receiving() as receiver, receiving() as backend, mlflow_server(folder) as server:
        project = casting(beltline, tmp_path_factory.mktemp("tracking"), rows=2000)
        found = Told(project, receiver, backend, server)
        result = found.run()
        assert result.code == 0, result.text
        assert "was not reported" not in result.text
        yield found


def test_each_tool_has_the_run(told: Told) -> None:
    [body] = told.receiver.bodies
    assert (body["event"], body["version"], body["state"]) == ("pushed", "1", "done")
    assert {node["node"] for node in body["nodes"]} == set(NODES)
    families = text_string_to_metric_families((told.project.root / "casting.prom").read_text())
    found = {family.name: family.samples for family in families}
    assert {each.labels["node"] for each in found["beltline_node_seconds"]} == set(NODES)
    assert {each.labels["gate"]: each.value for each in found["beltline_gate_passed"]} == {
        **{"data": 1, "evaluation": 1, "serving": 1}
    }
    assert told.server.run("casting", body["run"])["info"]["status"] == "FINISHED"
    live = told.server.live("casting")
    assert values(live["tags"])["beltline.version"] == "1"


def test_mlflows_numbers_are_those_of_tfmas_artifact(told: Told) -> None:
    run = told.server.run("casting", told.receiver.bodies[0]["run"])
    logged = {k: v for k, v in values(run["data"]["metrics"]).items() if "/" not in k}
    [of_all] = [
        each
        for each in tfma.load_metrics(str(told.artifact("Evaluator", "evaluation")))
        if not each.slice_key.single_slice_keys
    ]
    judged = {
        each.key.name: each.value.double_value.value for each in of_all.metric_keys_and_values
    }
    assert {"auc", "accuracy", "f1", "pr_auc"} <= logged.keys()
    assert {name: judged[name] for name in logged} == logged


def test_mlflows_curves_are_those_of_the_event_files(told: Told) -> None:
    run = told.server.run("casting", told.receiver.bodies[0]["run"])
    folder = told.artifact("Trainer", "model_run")
    learners = [each.name for each in folder.iterdir()]
    assert sorted(learners) == ["extra_trees", "network", "trees"]
    for learner in learners:
        for rows in ("train", "validation"):
            events = EventAccumulator(str(folder / learner / rows), size_guidance={"tensors": 0})
            events.Reload()
            written = {
                each.step: float(tensor_util.make_ndarray(each.tensor_proto))
                for each in events.Tensors("loss")
            }
            assert written
            assert told.server.curve(run, f"{learner}/{rows}/loss") == written


def test_openlineage_has_each_node_with_the_artifacts_of_ml_metadata(told: Told) -> None:
    kinds = {
        kind: {e["job"]["name"]: e for e in told.backend.bodies if e["eventType"] == kind}
        for kind in ("START", "COMPLETE", "FAIL", "ABORT")
    }
    names = {f"casting.{node}" for node in NODES}
    assert kinds["START"].keys() == kinds["COMPLETE"].keys() == names
    assert not kinds["FAIL"] and not kinds["ABORT"]
    for name, event in kinds["COMPLETE"].items():
        assert event["run"]["runId"] == kinds["START"][name]["run"]["runId"]
    ends = kinds["COMPLETE"]
    rows = {each["name"] for each in ends["casting.ExampleGen"]["inputs"]}
    assert rows == {str(told.project.folder / "casting.csv")}
    model = str(told.artifact("Trainer", "model"))
    assert model in {each["name"] for each in ends["casting.Trainer"]["outputs"]}
    assert model in {each["name"] for each in ends["casting.Pusher"]["inputs"]}


def test_who_is_told_changes_nothing_that_runs(told: Told) -> None:
    again = told.project("run", *ALL_LEARNERS)
    assert "no changes since run" in again.out, again.text
    assert len(told.receiver.bodies) == 1


def test_a_refusal_is_told_and_a_tool_that_is_down_fails_nothing(told: Told) -> None:
    """The exit code is the gate's; what could not be told is on stderr, without the secret."""
    down = ("--set", "tracking.mlflow=http://127.0.0.1:1")
    result = told.run("--set", "evaluation.thresholds.auc.lower=0.9999", *down)
    assert result.code == 3, result.text
    body = told.receiver.bodies[-1]
    assert (body["event"], body["node"]) == ("refused", "Evaluator")
    assert "auc" in body["reason"]
    assert "beltline: tracking.mlflow: run" in result.err
    assert "127.0.0.1:1 can't be reached" in result.err
    assert "s3cret" not in result.text
    assert "refused" in (told.project.root / "casting.prom").read_text()
