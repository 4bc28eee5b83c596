from pathlib import Path

import pytest

import beltline
from beltline.base.errors import WrongInput
from beltline.storage import folders
from beltline.storage.url import parse
from tests.api.conftest import statistics
from tests.runners.cli.commands.test_runs import record
from tests.runners.projects import paths


def test_a_node_has_its_state_log_and_outputs(root, folder):
    log = paths(folder).log("r2", "DataGate")
    log.parent.mkdir(parents=True)
    log.write_text("said")
    gate = root.runs["r2"].nodes["DataGate"]
    assert (gate.state, gate.reason, gate.log) == ("refused", "mold differs", log)
    assert repr(gate).startswith("<Node DataGate refused")
    validator = root.runs["r2"].nodes[0]
    assert (validator.name, validator.log) == ("ExampleValidator", None)
    assert validator.outputs == {"anomalies": [folder / "anomalies"]}
    assert all(isinstance(each, Path) for each in validator.outputs["anomalies"])


def test_what_is_in_an_object_store_is_fetched(memory, folder, ledger):
    url = "s3://bucket/artifacts/1f2e/StatisticsGen/statistics/1"
    statistics(folder)
    folders.upload(parse(url), folder / "statistics")
    ledger.run("r1")
    ledger.node("r1", "StatisticsGen", outputs={"statistics": ("ExampleStatistics", {"uri": url})})
    record(folder, "r1", "done")
    run = beltline.open(folder / ".beltline").runs["r1"]
    assert (run.statistics.train.rows, run.statistics.eval.rows) == (70, 30)
    [node] = run.nodes
    assert node.places == {"statistics": [url]}
    [there] = node.outputs["statistics"]
    assert (there / "Split-eval" / "FeatureStats.pb").exists()
    with pytest.raises(WrongInput, match="StatisticsGen made no rows"):
        run.rows("StatisticsGen")


def test_nodes_are_a_list_and_found_by_name(root):
    nodes = root.runs["r2"].nodes
    assert [node.name for node in nodes[:1]] == ["ExampleValidator"]
    assert len(nodes) == 2 and repr(nodes).count("\n") == 1
    assert "DataGate" in nodes._repr_html_()
    with pytest.raises(WrongInput, match="node 'Datagate' not found; did you mean DataGate"):
        nodes["Datagate"]
