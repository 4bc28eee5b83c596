import json

import pytest

from beltline.runners.metadata.origin import origin
from beltline.runners.metadata.store import Lineage
from beltline.runners.ui.known import Known
from beltline.runners.ui.lineage import drawing
from beltline.versions.folder import find, waiting
from beltline.versions.push import hold
from tests.runners import projects
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger

TRAINED = json.dumps({"training": {"epochs": 5}, "model": {"hidden": [8]}})


@pytest.fixture
def ledger(tmp_path):
    """Two versions; of the second, every node that its lineage shows."""
    push_model(tmp_path, "r1", auc=0.5)
    push_model(tmp_path, "r2", auc=0.75, rows=30.0)
    ledger = Ledger(projects.paths(tmp_path).metadata)
    ledger.run("r2")
    rows = {"data_digest": "d" * 64, "rows_train": 1970, "rows_eval": 30, "rows_dropped": 5}
    asked = {"path": "line.csv", "span": "3", "beltline_bundle": "b" * 64}
    ledger.node("r2", "ExampleGen", "CACHED", {"examples": ("Examples", rows)}, **asked)
    ledger.node("r2", "Schema", outputs={"schema": ("Schema", {})}, text="feature {}")
    ledger.node("r2", "DataGate")
    ledger.node("r2", "Transform", outputs={"transform_graph": ("TransformGraph", {})})
    ledger.node("r2", "Trainer", outputs={"model": ("Model", {})}, custom_config=TRAINED)
    pushed = ("PushedModel", {"pushed_version": "1", "pushed": 1})
    ledger.node("r2", "Champion", outputs={"pushed_model": pushed})
    ledger.node("r2", "Evaluator", outputs={"evaluation": ("ModelEvaluation", {})})
    return ledger


def drawn(folder, number, state="live"):
    paths = projects.paths(folder)
    version = find(paths.served("served", "line"), number)
    return drawing(origin(Lineage(paths.metadata, "line"), version), version, state)


def steps(folder, number, state="live"):
    return {step.name: step for step in drawn(folder, number, state).steps}


def test_the_boxes_from_the_data_to_the_answers(ledger, tmp_path):
    found = steps(tmp_path, 2)
    assert {name: step.after for name, step in found.items()} == {
        "Data": (),
        "Examples": ("Data",),
        "Schema": (),
        "Data gate": ("Examples", "Schema"),
        "Transform": ("Data gate",),
        "Model": ("Transform",),
        "Champion": (),
        "Evaluation": ("Model", "Champion"),
        "Blessing": ("Evaluation",),
        "Version 2": ("Blessing", "Model"),
        "Answers": ("Version 2",),
    }
    notes = {name: step.note for name, step in found.items()}
    assert (notes["Data"], notes["Examples"]) == ("d" * 12, "2,000 rows")
    assert (notes["Champion"], notes["Evaluation"]) == ("version 1", "30 rows")
    assert (notes["Blessing"], notes["Version 2"]) == ("blessed", "live")


def test_what_each_box_says(ledger, tmp_path):
    found = {name: step.facts for name, step in steps(tmp_path, 2).items()}
    assert found["Data"] == {"path": "line.csv", "span": "3", "digest": "d" * 64}
    assert found["Examples"] == {
        "train": "1,970",
        "eval": "30",
        "dropped": "5",
        "node": "ExampleGen, execution 1",
        "artifacts": "/artifacts/examples",
    }
    assert found["Model"]["code"] == "c0de"
    assert found["Model"]["model.hidden"] == "[8]"
    assert found["Model"]["training.epochs"] == "5"
    assert found["Evaluation"]["auc"] == "0.75"
    assert found["Champion"] == {"auc": "0.5"}
    assert found["Version 2"]["digest"]


def test_every_box_has_a_place(ledger, tmp_path):
    made = drawn(tmp_path, 2)
    assert list(made.graph.boxes) == [step.name for step in made.steps]
    lefts = {name: left for name, (left, _) in made.graph.boxes.items()}
    assert lefts["Data"] < lefts["Examples"] < lefts["Model"] < lefts["Version 2"]
    assert max(lefts, key=lefts.get) == "Answers"


def test_a_version_that_is_not_live_answers_nothing(ledger, tmp_path):
    for state in ("previous", "waiting", ""):
        found = steps(tmp_path, 2, state)
        assert "Answers" not in found and found["Version 2"].note == state


def test_a_first_version_had_no_champion_and_a_refit_is_another_model(ledger, tmp_path):
    push_model(tmp_path, "r3", auc=0.75, refit=True)
    ledger.run("r3")
    for node, uri in (("Trainer", "/artifacts/7"), ("Refit", "/artifacts/9")):
        ledger.node("r3", node, outputs={"model": ("Model", {"uri": uri})}, custom_config=TRAINED)
    found = steps(tmp_path, 3)
    assert found["Refit"].after == ("Model",)
    assert found["Version 3"].after == ("Blessing", "Refit")
    assert found["Refit"].facts["artifacts"] == "/artifacts/9"
    ledger.run("r1")
    ledger.node("r1", "Trainer")
    first = steps(tmp_path, 1)
    assert "Champion" not in first and first["Evaluation"].after == ("Model",)
    # Nodes of which nothing is known have a box all the same.
    assert (first["Data"].note, first["Examples"].note) == ("", "0 rows")


def test_the_values_that_a_search_found(ledger, tmp_path):
    (tmp_path / "best_hyperparameters.txt").write_text(
        json.dumps({"values": {"learning_rate": 0.01}})
    )
    found = ("HyperParameters", {"uri": str(tmp_path)})
    ledger.node("r2", "Tuner", outputs={"best_hyperparameters": found})
    made = steps(tmp_path, 2)
    assert made["Tuner"].facts["learning_rate"] == "0.01"
    assert (made["Tuner"].after, made["Model"].after) == (("Transform",), ("Tuner",))
    assert not [name for name in made["Model"].facts if name.startswith("tuned")]


def test_a_version_that_waits_has_a_lineage_too(ledger, tmp_path):
    push_model(tmp_path, "r2b", add=hold, auc=0.9)
    ledger.run("r2b")
    ledger.node("r2b", "ExampleGen")
    paths = projects.paths(tmp_path)
    served = paths.served("served", "line")
    held = waiting(served)
    assert Known(paths, "line", served).origin(held).version == 3
