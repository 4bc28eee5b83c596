"""A run keeps the bundle that it began with, and ML Metadata says which; no node is launched."""

import importlib
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

import beltline
from beltline.base.errors import GateRefused, NoData, WrongInput
from beltline.base.settings.tracking import Tracking
from beltline.bundle import environment
from beltline.bundle.code import archive
from beltline.bundle.folder import write
from beltline.bundle.manifest import Node
from beltline.runners.metadata.store import BUNDLE, Lineage
from beltline.runners.node.run import run_node
from tests.bundle.bundles import NODES, manifest
from tests.http_receiver import receiving
from tests.runners.projects import Ledger, paths


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """An ML Metadata; what a node does to this process's imports is undone."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(beltline, "__path__", beltline.__path__)
    for name in paths(tmp_path).environment():
        monkeypatch.setenv(name, "")
    paths(tmp_path).root.mkdir()
    made = Ledger(paths(tmp_path).metadata)
    made.run("r1")
    return made


@pytest.fixture
def bundle(tmp_path):
    """Writes bundles for this environment's lock, with these sources as their code."""

    def write_bundle(sources=None, **changes):
        made = manifest(lock=environment.lock_digest(), **changes)
        return write(tmp_path / "bundles", made, b"", archive(sources or {}))

    return write_bundle


@pytest.fixture
def launched(ledger, monkeypatch):
    """Stands in for TFX's launcher: writes an execution, then raises what it is told to."""
    calls = SimpleNamespace(bundles=[], error=None, state="COMPLETE", imports="", edition="")

    def launch(bundle, node, run, *_):
        calls.bundles.append(bundle.manifest.digest)
        if calls.imports:
            calls.edition = importlib.import_module(calls.imports).EDITION
        ledger.node(run, node, calls.state)
        if calls.error:
            raise calls.error

    module = SimpleNamespace(launch=launch)
    monkeypatch.setitem(sys.modules, "beltline.runners.node.launch", module)
    return calls


def execution(tmp_path, node):
    found = Lineage(paths(tmp_path).metadata, "line").node("r1", node)
    assert found is not None
    return found


def test_a_node_imports_the_model_code_of_the_bundle(tmp_path, bundle, launched, monkeypatch):
    """Not what lies in a folder that Python looks into, even if it was imported already."""
    (tmp_path / "net.py").write_text("EDITION = 'edited'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.import_module("net").EDITION == "edited"
    launched.imports = "net"
    run_node(bundle({"net.py": b"EDITION = 'bundle'\n"}), "Schema", "r1", paths(tmp_path))
    assert launched.edition == "bundle"
    del sys.modules["net"]


@pytest.mark.parametrize(("error", "ended"), [(None, "COMPLETE"), (ValueError("hot"), "FAIL")])
def test_a_backend_of_openlineage_is_told_of_both_ends(tmp_path, bundle, launched, error, ended):
    launched.error, launched.state = error, "FAILED" if error else "COMPLETE"
    with receiving() as receiver:
        section = Tracking(openlineage=receiver.url)
        run_node(bundle(), "Schema", "r1", replace(paths(tmp_path), tracking=section))
    assert [body["eventType"] for body in receiver.bodies] == ["START", ended]


def test_an_execution_names_its_bundle(tmp_path, bundle, launched):
    made = bundle()
    assert run_node(made, "Schema", "r1", paths(tmp_path)).state == "done"
    assert execution(tmp_path, "Schema").bundle == made.manifest.digest
    assert launched.bundles == [made.manifest.digest]


@pytest.mark.parametrize(
    ("error", "state", "recorded"),
    [
        (NoData("no rows"), "skipped", "canceled"),
        (GateRefused("anomalies"), "refused", "refused"),
        (RuntimeError("broke"), "failed", "failed"),
    ],
)
def test_however_it_ends_ml_metadata_says_so(tmp_path, bundle, launched, error, state, recorded):
    made = bundle()
    launched.error, launched.state = error, "RUNNING"
    outcome = run_node(made, "ExampleGen", "r1", paths(tmp_path))
    found = execution(tmp_path, "ExampleGen")
    assert (outcome.state, found.state) == (state, recorded)
    assert str(error) in outcome.reason
    assert found.bundle == made.manifest.digest


def test_a_run_goes_on_with_the_bundle_that_it_began_with(tmp_path, bundle, ledger, launched):
    first, newer = bundle(), bundle(version="0.2.0")
    ledger.node("r1", "ExampleGen", **{BUNDLE: first.manifest.digest})
    run_node(newer, "Schema", "r1", paths(tmp_path))
    assert launched.bundles == [first.manifest.digest]
    assert execution(tmp_path, "Schema").bundle == first.manifest.digest


def test_a_run_whose_bundle_is_gone_is_told_to_start_anew(tmp_path, bundle, ledger, launched):
    ledger.node("r1", "ExampleGen", **{BUNDLE: "0" * 64})
    with pytest.raises(WrongInput, match="run r1 started with another bundle"):
        run_node(bundle(), "Schema", "r1", paths(tmp_path))
    assert launched.bundles == []


def test_a_node_that_the_first_bundle_lacks_is_refused(tmp_path, bundle, ledger, launched):
    first, newer = bundle(nodes=NODES[:3]), bundle()
    ledger.node("r1", "ExampleGen", **{BUNDLE: first.manifest.digest})
    with pytest.raises(WrongInput, match="which has no Trainer"):
        run_node(newer, "Trainer", "r1", paths(tmp_path))
    assert launched.bundles == []


def test_nodes_after_a_refused_gate_are_skipped(tmp_path, bundle, launched):
    made = bundle()
    run_node(made, "ExampleGen", "r1", paths(tmp_path))
    launched.error, launched.state = GateRefused("anomalies"), "RUNNING"
    run_node(made, "DataGate", "r1", paths(tmp_path))
    launched.error, launched.state, launched.bundles = None, "COMPLETE", []
    for node in ("Transform", "Trainer", "Pusher"):
        outcome = run_node(made, node, "r1", paths(tmp_path))
        assert (outcome.state, outcome.reason) == ("skipped", "DataGate refused")
    assert launched.bundles == []
    assert run_node(made, "Schema", "r1", paths(tmp_path)).state == "done"


WHATEVER = Node(id="Last", role="release", does="Asks.", upstream=("Pusher",), after_skipped=True)
JUDGE = Node(id="Judge", role="release", does="Judges.", upstream=("Trainer",), gate="evaluation")
AFTER = NODES[-1].model_copy(update={"upstream": ("Judge",)})
JUDGED = (*NODES[:-1], JUDGE, AFTER, WHATEVER)
REFUSED = {"blessing": ("ModelBlessing", {"blessed": 0, "reason": "auc 0.4"})}
KEPT = {"pushed_model": ("PushedModel", {"pushed": 0, "reason": "is version 7 already"})}


@pytest.mark.parametrize("outputs", [{"Judge": REFUSED}, {"Pusher": KEPT}])
def test_one_that_runs_after_skipped_ones_needs_no_push(
    tmp_path, bundle, ledger, launched, outputs
):
    made = bundle(nodes=JUDGED)
    for node in JUDGED[:-1]:
        ledger.node("r1", node.id, outputs=outputs.get(node.id))
    assert run_node(made, "Last", "r1", paths(tmp_path)).state == "done"
    if "Judge" in outputs:
        assert run_node(made, "Pusher", "r1", paths(tmp_path)).reason == "Judge refused"


def test_nor_does_it_need_data(tmp_path, bundle, ledger, launched):
    ledger.node("r1", "ExampleGen", "CANCELED")
    for node, state in (("Pusher", "skipped"), ("Last", "done")):
        assert run_node(bundle(nodes=JUDGED), node, "r1", paths(tmp_path)).state == state


def test_but_after_data_that_were_refused_it_does_not_run(tmp_path, bundle, launched):
    made = bundle(nodes=JUDGED)
    launched.error, launched.state = GateRefused("anomalies"), "RUNNING"
    run_node(made, "DataGate", "r1", paths(tmp_path))
    outcome = run_node(made, "Last", "r1", paths(tmp_path))
    assert (outcome.state, outcome.reason) == ("skipped", "DataGate refused")


def test_nodes_after_a_day_without_data_are_skipped(tmp_path, bundle, launched):
    made = bundle()
    launched.error, launched.state = NoData("no rows"), "RUNNING"
    run_node(made, "ExampleGen", "r1", paths(tmp_path))
    launched.error, launched.bundles = None, []
    outcome = run_node(made, "DataGate", "r1", paths(tmp_path))
    assert (outcome.state, launched.bundles) == ("skipped", [])
    assert outcome.reason == "ExampleGen was skipped: no rows"


def test_an_attempt_that_was_killed_is_marked_failed(tmp_path, bundle, ledger, launched):
    made = bundle()
    killed = ledger.node("r1", "Schema", "RUNNING", **{BUNDLE: made.manifest.digest})
    assert run_node(made, "Schema", "r1", paths(tmp_path)).execution_id != killed
    [found] = ledger.store.get_executions_by_id([killed])
    assert found.last_known_state == found.FAILED


def test_a_bundle_for_other_libraries_is_refused(tmp_path, ledger, launched):
    other = write(tmp_path / "bundles", manifest(lock="0" * 64), b"", archive({}))
    with pytest.raises(WrongInput):
        run_node(other, "Schema", "r1", paths(tmp_path))
    assert launched.bundles == []
