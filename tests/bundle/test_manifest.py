import json

import pytest
from pydantic import ValidationError

from beltline.bundle.manifest import Manifest
from tests.bundle.bundles import manifest


def as_json(**changes):
    return json.dumps({**json.loads(manifest().model_dump_json()), **changes})


def test_it_reads_back():
    assert Manifest.model_validate_json(manifest().model_dump_json()) == manifest()


def test_a_node_is_found_by_its_id():
    assert manifest().node("DataGate").upstream == ("ExampleGen",)
    with pytest.raises(KeyError, match="Nobody"):
        manifest().node("Nobody")


def test_one_of_a_version_before_a_field_was_there_reads_still():
    nodes = [{"id": "A", "role": "data", "does": "Reads."}]
    [node] = Manifest.model_validate_json(as_json(nodes=nodes)).nodes
    assert (node.upstream, node.gate, node.resources.gpu) == ((), None, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 1},
        {"format": 3},
        {"parameters": {"data-path": "line.csv"}},
        {"parameters": {"rate": {"type": "number", "default": 1, "does": "Speeds."}}},
        {"nodes": [{"id": "A", "role": "chef", "does": "Cooks."}]},
        {"nodes": [{"id": "A", "role": "data", "does": "Stops.", "gate": "garden"}]},
        {"parameters": None},
    ],
)
def test_what_a_runner_would_misread_is_refused(changes):
    with pytest.raises(ValidationError):
        Manifest.model_validate_json(as_json(**changes))


def test_a_parameter_keeps_its_type():
    read = Manifest.model_validate_json(manifest().model_dump_json())
    assert read.defaults() == {"data-path": "line.csv", "span": "latest", "steps": 0}
    assert read.parameters["steps"].type == "integer"


def test_it_cannot_be_changed():
    with pytest.raises(ValidationError):
        manifest().name = "other"
