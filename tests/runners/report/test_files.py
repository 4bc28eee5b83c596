import pytest

from beltline.runners.metadata.store import NodeRun
from beltline.runners.report.files import json_of


def made(folder):
    outputs = {"evaluation": [{"uri": str(folder)}]}
    return NodeRun("Evaluator", "complete", 1, 0.0, 0.0, outputs=outputs)


def test_a_file_in_an_output(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"ü": 1}')
    assert json_of(made(tmp_path), "evaluation", "in/a.json") == {"ü": 1}


@pytest.mark.parametrize("text", [None, "{broken", "\udcff"])
def test_what_can_not_be_read(tmp_path, text):
    if text:
        (tmp_path / "a.json").write_bytes(text.encode(errors="surrogateescape"))
    assert json_of(made(tmp_path), "evaluation", "a.json") is None


def test_a_node_that_did_not_run_has_none(tmp_path):
    assert json_of(None, "evaluation", "a.json") is None
    assert json_of(made(tmp_path), "model", "a.json") is None
