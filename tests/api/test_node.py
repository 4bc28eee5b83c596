from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
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


def test_nodes_are_a_list_and_found_by_name(root):
    nodes = root.runs["r2"].nodes
    assert [node.name for node in nodes[:1]] == ["ExampleValidator"]
    assert len(nodes) == 2 and repr(nodes).count("\n") == 1
    assert "DataGate" in nodes._repr_html_()
    with pytest.raises(WrongInput, match="node 'Datagate' not found; did you mean DataGate"):
        nodes["Datagate"]
