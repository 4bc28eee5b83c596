"""New rows are predicted behind the Pusher: with the answers of REST, whoever is live."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from beltline.data.casting import generate
from beltline.versions.live import live
from tests.beltline_process import Beltline, Result
from tests.end_to_end.projects import NODES, QUICK, Project, casting, states
from tests.serving import running

pytestmark = pytest.mark.slow

ROWS = 700
PREDICT = {"path": "new.csv", "output": "predictions/p.parquet"}
NODE = "BulkInferrer"
KUBEFLOW = {
    "image": "registry.example.com/beltline:1",
    "volume_claim": "shared",
    "secrets": {"beltline": {"metadata": "BELTLINE_METADATA"}},
}


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has run once, and predicted rows without a label."""
    project = casting(beltline, tmp_path_factory.mktemp("predictions"))
    settings = yaml.safe_load((project.folder / "pipeline.yaml").read_text())
    settings |= {"predict": PREDICT, "kubeflow": KUBEFLOW}
    (project.folder / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    bring(project, ROWS)
    first = run(project)
    assert first.code == 0, first.text
    assert states(first) == dict.fromkeys([*NODES, NODE], "done"), first.text
    assert f"rows {ROWS}, version 1: {output(project)}" in first.out
    return project


def bring(project: Project, rows: int, seed: int = 11) -> None:
    """Writes new rows."""
    table = generate(rows, seed).drop_columns(["scrap"])
    pyarrow.csv.write_csv(table, project.folder / "new.csv")


def run(project: Project, *more: str) -> Result:
    return project("run", *QUICK, "--set", "evaluation.champion.margin=-1", *more)


def output(project: Project) -> Path:
    return project.root / "predictions" / "p.parquet"


def predicted(project: Project) -> pa.Table:
    return pq.read_table(output(project))


def answers(project: Project, log: Path) -> list[dict[str, Any]]:
    """What REST says of the new rows."""
    with (project.folder / "new.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    with running.server(project.root / "served/casting", log) as server:
        server.wait_until_ready()
        answer = server.ask({"instances": rows}).json()
    found: list[dict[str, Any]] = answer["predictions"]
    return found


def test_every_answer_is_that_of_rest(project: Project, tmp_path: Path) -> None:
    found, expected = predicted(project), answers(project, tmp_path / "log")
    assert found.num_rows == len(expected) == ROWS
    assert found["class"].to_pylist() == [each["class"] for each in expected]
    probability = np.array([each["probability"] for each in expected], np.float32)
    np.testing.assert_array_equal(found["probability"].to_numpy(), probability)
    assert found["version"].to_pylist() == [1] * ROWS
    # The keys: whatever the model doesn't read, in the order of the rows.
    new = pyarrow.csv.read_csv(project.folder / "new.csv")
    assert found["part_id"].to_pylist() == [str(each) for each in new["part_id"].to_pylist()]


def test_it_is_what_the_command_writes(project: Project) -> None:
    assert project("predict", "new.csv", "-o", "by-hand.parquet").code == 0
    assert pq.read_table(project.folder / "by-hand.parquet").equals(predicted(project))


def test_nothing_changed_is_said_at_once_unless_the_file_is_gone(project: Project) -> None:
    assert "no changes since run" in run(project).out
    before = output(project).read_bytes()
    output(project).unlink()
    again = run(project)
    assert again.code == 0 and states(again)[NODE] == "cached", again.text
    assert output(project).read_bytes() == before
    assert "no changes since run" in run(project).out


def test_new_rows_are_predicted_and_nothing_is_trained(project: Project, tmp_path: Path) -> None:
    bring(project, 300)
    found = run(project)
    assert found.code == 0, found.text
    assert (states(found)["Trainer"], states(found)[NODE]) == ("cached", "done"), found.text
    # The model is a version already: there was nothing to push.
    assert states(found)["Pusher"] == "skipped"
    assert predicted(project)["class"].to_pylist() == [
        each["class"] for each in answers(project, tmp_path / "log")
    ]


@pytest.mark.long
def test_after_a_refused_model_the_live_version_predicts(project: Project) -> None:
    bring(project, 200)
    strict = ("--set", "evaluation.thresholds.auc.lower=0.9999", "--set", "training.seed=5")
    refused = run(project, *strict)
    assert refused.code == 3 and "Evaluator refused" in refused.err, refused.text
    assert states(refused)["Pusher"] == "skipped"
    assert states(refused)[NODE] == "done", refused.text
    assert set(predicted(project)["version"].to_pylist()) == {1}
    assert predicted(project).num_rows == 200


@pytest.mark.long
def test_after_a_rollback_the_predictions_follow(project: Project) -> None:
    changed = run(project, "--set", "training.seed=6")
    assert changed.code == 0, changed.text
    assert set(predicted(project)["version"].to_pylist()) == {2}
    assert project("rollback").code == 0
    assert live(project.root / "served/casting") == 1
    again = run(project, "--set", "training.seed=6")
    assert again.code == 0 and states(again)[NODE] in ("done", "cached"), again.text
    assert set(predicted(project)["version"].to_pylist()) == {1}


def test_part_of_the_pipeline(project: Project) -> None:
    bring(project, 100)
    part = run(project, "--from", NODE)
    assert part.code == 0 and states(part) == {NODE: "done"}, part.text
    assert predicted(project).num_rows == 100


@pytest.mark.long
def test_without_a_version_and_with_a_refused_model_it_is_skipped(
    beltline: Beltline, project: Project, tmp_path: Path
) -> None:
    env = {"BELTLINE_ROOT": str(tmp_path / "root")}
    strict = ("--set", "evaluation.thresholds.auc.lower=0.9999")
    found = beltline("run", *QUICK, *strict, cwd=project.folder, env=env)
    assert found.code == 3, found.text
    assert states(found)[NODE] == "skipped"
    assert "no version has been pushed yet" in found.out


@pytest.mark.parametrize("target", ["airflow", "kubeflow"])
def test_it_compiles(project: Project, tmp_path: Path, target: str) -> None:
    result = project("compile", target, "-o", tmp_path)
    assert result.code == 0, result.text
    if target == "airflow":
        tasks = json.loads((tmp_path / "deployment.json").read_text())["tasks"]
        assert (tasks[-1]["nodes"], tasks[-1]["upstream"]) == ([NODE], ["Pusher"])
    else:
        # All nodes share a pod; the bundle is within what a package may hold.
        assert NODE in (tmp_path / "pipeline.yaml").read_text()
