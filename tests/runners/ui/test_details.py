import json

import pytest

from beltline.bundle.folder import write
from beltline.runners.history import History
from beltline.runners.metadata.store import BUNDLE, REASON
from beltline.runners.ui.details import run_details
from tests.bundle import bundles
from tests.runners import projects
from tests.runners.projects import Ledger


@pytest.fixture
def paths(tmp_path):
    return projects.paths(tmp_path)


@pytest.fixture
def ledger(paths):
    ledger = Ledger(paths.metadata)
    ledger.run("r1")
    return ledger


def details(paths, node="", run="r1"):
    return run_details(History(paths, "line"), run, node)


def test_a_node_has_what_it_read_and_made(paths, ledger):
    made = {"examples": ("Examples", {"uri": "s3://b/examples/1", "rows_train": 80, "span": ""})}
    maker = ledger.node("r1", "ExampleGen", outputs=made)
    settings = json.dumps({"training": {"epochs": 5, "seed": None}, "label": "bad"})
    trainer = ledger.node(
        "r1", "Trainer", outputs={"model": ("Model", {})}, custom_config=settings, beltline_x="1"
    )
    ledger.reads(trainer, "examples", maker)
    found = details(paths, "Trainer").selected
    [read], [model] = found.inputs, found.outputs
    assert (read.key, read.type, read.uri) == ("examples", "Examples", "s3://b/examples/1")
    assert (read.source, read.properties) == ("ExampleGen", {"rows_train": "80"})
    assert (model.key, model.uri, model.source) == ("model", "/artifacts/model", "")
    assert found.properties == {
        "custom_config.training.epochs": "5",
        "custom_config.label": "bad",
    }


def test_what_another_run_made_has_no_source_in_this_one(paths, ledger):
    ledger.run("r0")
    maker = ledger.node("r0", "Trainer", outputs={"model": ("Model", {})})
    reader = ledger.node("r1", "Evaluator")
    ledger.reads(reader, "baseline_model", maker)
    [read] = details(paths, "Evaluator").selected.inputs
    assert (read.key, read.source) == ("baseline_model", "")


def test_a_node_with_nothing_to_read_or_that_did_not_run_is_empty(paths, ledger):
    bundle = write(paths.bundles, bundles.manifest(), b"", b"")
    ledger.node("r1", "ExampleGen", **{BUNDLE: bundle.manifest.digest})
    found = details(paths, "Pusher")
    assert (found.selected.summary.state, found.selected.does) == ("not run", "Pushes.")
    assert (found.selected.inputs, found.selected.properties) == ((), {})
    assert found.upstream["Transform"] == ("DataGate", "Schema")
    assert details(paths, "ExampleGen").selected.inputs == []


@pytest.mark.parametrize(
    ("states", "first"),
    [
        ({"A": "COMPLETE"}, None),
        ({"A": "COMPLETE", "B": "RUNNING"}, "B"),
        ({"A": "RUNNING", "B": "FAILED"}, "B"),
        ({"A": "FAILED", "B": "FAILED"}, "A"),
    ],
)
def test_the_node_that_matters_most_is_shown_first(paths, ledger, states, first):
    for node, state in states.items():
        ledger.node("r1", node, state, **{REASON: "why"})
    selected = details(paths).selected
    assert (selected and selected.summary.node) == first


def test_a_node_that_is_not_there_is_none(paths, ledger):
    ledger.node("r1", "Trainer")
    found = details(paths, "../Trainer")
    assert (found.selected, found.summary.run) == (None, "r1")
    assert found.upstream == {}
