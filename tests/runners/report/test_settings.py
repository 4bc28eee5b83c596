from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import Lineage
from beltline.runners.report.settings import origin_of, settings_of
from tests.runners.projects import Ledger, paths


def test_the_settings_of_each_node(tmp_path):
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r1")
    ledger.node("r1", "Trainer", steps="5", run_fn="f", beltline_bundle="b")
    ledger.node("r1", "Schema", text="x" * 5000)
    ledger.node("r1", "Champion", beltline_bundle="b")
    lineage = Lineage(paths(tmp_path).metadata, "line")
    found = settings_of(lineage, {each.node: each for each in lineage.nodes("r1")})
    assert list(found) == ["Trainer", "Schema"]
    assert found["Trainer"] == {"run_fn": "f", "steps": "5"}
    assert found["Schema"]["text"].startswith("(5,000 characters, digest ")


def test_what_a_run_was_made_from():
    manifest = Manifest(
        name="line",
        version="0.1.0",
        digest="d",
        code="c",
        lock="l",
        nodes=(),
        parameters={},
        push="served",
    )
    assert origin_of(manifest, "a", "") == {
        "data": "a",
        "bundle": "d",
        "model code": "c",
        "locked requirements": "l",
        "Beltline": "0.1.0",
    }
    assert origin_of(None, "", "s") == {"schema": "s"}
