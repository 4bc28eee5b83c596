"""Where a version comes from, read from a real ML Metadata."""

import json

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.main import cli
from beltline.runners.metadata.origin import origin
from beltline.runners.metadata.store import Lineage
from beltline.versions.folder import find
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger, paths, project

TRAINED = json.dumps({"training": {"epochs": 5}, "model": {"hidden": [8]}, "features": {}})


@pytest.fixture
def folder(tmp_path):
    """Two versions; the second has beaten the first."""
    project(tmp_path)
    push_model(tmp_path, "r1", auc=0.5)
    push_model(tmp_path, "r2", auc=0.75, rows=100.0)
    paths(tmp_path).root.mkdir(exist_ok=True)
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r2")
    rows = {"data_digest": "d2", "rows_train": 70, "rows_eval": 30}
    examples = {"examples": ("Examples", rows)}
    asked = {"path": "line.csv", "span": "3", "beltline_bundle": "b" * 64}
    ledger.node("r2", "ExampleGen", "CACHED", examples, **asked)
    ledger.node("r2", "Schema", outputs={"schema": ("Schema", {})}, text="feature {}")
    ledger.node("r2", "Trainer", outputs={"model": ("Model", {})}, custom_config=TRAINED)
    pushed = ("PushedModel", {"pushed_version": "1", "pushed": 1})
    ledger.node("r2", "Champion", outputs={"pushed_model": pushed})
    return tmp_path


def found(folder, number):
    served = paths(folder).served("served", "line")
    return origin(Lineage(paths(folder).metadata, "line"), find(served, number))


def test_all_that_made_it(folder):
    made = found(folder, 2)
    assert (made.run, made.bundle, made.code) == ("r2", "b" * 64, "c0de")
    assert made.data == {
        "path": "line.csv",
        "span": "3",
        "digest": "d2",
        "rows": {"train": 70, "eval": 30},
    }
    assert len(made.schema["digest"]) == 64
    assert made.hyperparameters == {"training": {"epochs": 5}, "model": {"hidden": [8]}}
    assert made.champion.version == "1"
    assert made.champion.better == {"auc": 0.25}
    assert list(made.executions) == ["ExampleGen", "Schema", "Trainer", "Champion"]
    assert made.artifacts["Trainer"] == ["/artifacts/model"]


def test_what_the_tuner_found(folder, tmp_path):
    ledger = Ledger(paths(folder).metadata)
    best = {"values": {"learning_rate": 0.01}}
    (tmp_path / "best_hyperparameters.txt").write_text(json.dumps(best))
    made = {"best_hyperparameters": ("HyperParameters", {})}
    number = ledger.node("r2", "Tuner", outputs=made)
    [event] = ledger.store.get_events_by_execution_ids([number])
    [artifact] = ledger.store.get_artifacts_by_id([event.artifact_id])
    artifact.uri = str(tmp_path)
    ledger.store.put_artifacts([artifact])
    assert found(folder, 2).hyperparameters["tuned"] == {"learning_rate": 0.01}


def test_a_run_that_the_database_does_not_know(folder):
    with pytest.raises(WrongInput, match="run r1 not found in ML Metadata; is BELTLINE_METADATA"):
        found(folder, 1)


def test_a_version_without_a_card(folder):
    version = paths(folder).served("served", "line") / "9"
    version.mkdir()
    (version / "saved_model.pb").write_text("")
    with pytest.raises(WrongInput, match="version 9 has no card that names its run"):
        found(folder, 9)


def test_the_command(folder):
    arguments = ["lineage", "2", "-f", str(folder / "pipeline.yaml")]
    text = CliRunner().invoke(cli, arguments).output
    assert text.startswith("version 2 of line · live\nrun        r2 · pushed 2026-01-0")
    assert "data       line.csv · span 3 · digest d2 · train 70, eval 30" in text
    assert "training   epochs 5" in text
    assert "champion   version 1" in text
    row = next(line for line in text.splitlines() if line.startswith("auc"))
    assert row.split() == ["auc", "0.7500", "0.5000", "+0.2500"]
    described = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).output)
    assert (described["version"], described["live"]) == (2, True)
    assert described["champion"]["better"] == {"auc": 0.25}


def test_the_command_makes_no_database(tmp_path):
    project(tmp_path)
    push_model(tmp_path, "r1", auc=0.5)
    result = CliRunner().invoke(cli, ["lineage", "1", "-f", str(tmp_path / "pipeline.yaml")])
    assert result.exception.exit_code == 2
    assert "the lineage is unknown" in str(result.exception)
    assert not (paths(tmp_path).root / "metadata.sqlite").exists()


def test_which_model_was_judged_and_which_is_served(folder):
    assert found(folder, 2).models == {"judged": "/artifacts/model", "served": "/artifacts/model"}
    push_model(folder, "r3", auc=0.75, refit=True)
    ledger = Ledger(paths(folder).metadata)
    ledger.run("r3")
    for node, uri in (("Trainer", "/artifacts/7"), ("Refit", "/artifacts/9")):
        ledger.node("r3", node, outputs={"model": ("Model", {"uri": uri})}, custom_config=TRAINED)
    assert found(folder, 3).models == {"judged": "/artifacts/7", "served": "/artifacts/9"}
    arguments = ["lineage", "3", "-f", str(folder / "pipeline.yaml")]
    text = CliRunner().invoke(cli, arguments).output
    assert "judged     /artifacts/7\nserved     /artifacts/9: the same, trained" in text
    before = CliRunner().invoke(cli, ["lineage", "2", *arguments[2:]]).output
    assert "judged" not in before and "served" not in before
