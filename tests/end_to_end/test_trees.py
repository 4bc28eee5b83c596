"""Trees in place of the network: a whole run, to a version that is served."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, Project, casting, states
from tests.serving import running

pytestmark = pytest.mark.slow

TREES = (
    *("--set", "model.learners=[trees]", "--set", "training.gpu=off"),
    *("--set", "evaluation.thresholds.auc.lower=0.6"),
)


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("trees"))
    result = project("run", *TREES)
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(NODES, "done"), result.text
    assert project.versions() == ["1"]
    return project


def test_rest_answers_what_the_boosters_say(project: Project, tmp_path: Path) -> None:
    with running.server(project.root / "served/casting", tmp_path / "log") as server:
        server.wait_until_ready()
        answers = server.ask({"instances": validation_rows(project)}).json()["predictions"]
    said = np.sort([each["probability"] for each in answers])
    assert len(said) > 200
    assert said == pytest.approx(np.sort(boosters_say(project)), rel=1e-5, abs=1e-6)


def test_the_log_and_the_curve_are_those_of_trees(project: Project) -> None:
    log = project("logs", "latest", "Trainer").out
    assert "beltline.trainer: round 1: loss " in log
    assert "beltline.trainer: weights digest " in log
    assert list(project.root.glob("artifacts/Trainer/model_run/*/validation/events*"))


@pytest.mark.long
def test_both_learners_make_one_version(beltline: Beltline, tmp_path: Path) -> None:
    project = casting(beltline, tmp_path)
    result = project("run", *TREES, "--set", "model.learners=[network, trees]")
    assert states(result) == dict.fromkeys(NODES, "done"), result.text
    learners = json.loads(project("report", "--json").out)["learners"]
    assert [each["learner"] for each in learners] == ["trees", "network"]
    assert sum(each["weight"] for each in learners) == pytest.approx(1)
    assert json.loads((project.root / "served/casting/1/assets.extra/learners.json").read_text())


def artifact(project: Project, name: str) -> Path:
    [found] = project.root.glob(f"artifacts/{name}/*")
    return found


def validation_rows(project: Project) -> list[dict[str, Any]]:
    import tensorflow as tf

    files = list(artifact(project, "ExampleGen/examples").glob("Split-validation/*"))
    rows = []
    for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        row: dict[str, Any] = {}
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            kind = feature.WhichOneof("kind")
            values = list(getattr(feature, kind).value) if kind else []
            value = values[0] if values else None
            row[name] = value.decode() if isinstance(value, bytes) else value
        rows.append(row)
    return rows


def boosters_say(project: Project) -> Any:
    """The probabilities by LightGBM, grown once more from the rows that the Trainer had."""
    from beltline.models.calibration import calibrated
    from beltline.models.config import from_config
    from beltline.models.devices import choose_devices
    from beltline.models.hyperparameters import hyperparameters_of
    from beltline.models.job import prepare
    from beltline.models.learned import Attempt
    from beltline.models.trees.growth import Growth
    from beltline.models.trees.inputs import tree_columns
    from beltline.models.trees.learner import plan_of, rows_of
    from tests.models.trees.boosters import boosters_outputs

    rows = artifact(project, "Transform/transformed_examples")
    job = prepare(
        from_config(trainer_config(project)),
        [str(rows / "Split-train/*")],
        [str(rows / "Split-validation/*")],
        str(artifact(project, "Transform/transform_graph")),
    )
    attempt = Attempt(hyperparameters_of(job.config), choose_devices("off", "off", "off"))
    rows = rows_of(job, tree_columns(job.train, job.features))
    growth = Growth(plan_of(job, attempt), rows)
    growth.run()
    labels = np.concatenate([job.train.labels, job.validation.labels])
    objective = calibrated(job.objective, growth.outputs(), labels)
    validation = rows.table[len(job.train.labels) :]
    outputs = boosters_outputs(growth, job.objective.output_bias, validation)
    return objective.prediction(outputs)[:, 0].numpy()


def trainer_config(project: Project) -> dict[str, Any]:
    from tfx.proto.orchestration import pipeline_pb2

    [file] = project.root.glob("bundles/*/pipeline.pb")
    pipeline = pipeline_pb2.Pipeline.FromString(file.read_bytes())
    [trainer] = [
        node.pipeline_node
        for node in pipeline.nodes
        if node.pipeline_node.node_info.id == "Trainer"
    ]
    value = trainer.parameters.parameters["custom_config"].field_value.string_value
    return dict(json.loads(value))
