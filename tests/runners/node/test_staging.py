"""A node whose artifacts are in a store: paths for the executor, URLs for ML Metadata."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.identity import identity
from beltline.runners.metadata.store import Lineage
from beltline.runners.node.staging import Staging, staging_of
from beltline.storage import cache, folders, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from tests.runners.projects import Ledger, paths

KEPT = parse("s3://bucket/prefix/1f2e3d4c")
EXAMPLES = KEPT / "ExampleGen" / "examples" / "1"


@pytest.fixture
def staging(memory, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "rows").write_text("rows")
    folders.upload(EXAMPLES, tmp_path / "source")
    return Staging(tmp_path / "artifacts", KEPT)


def execution(staging, **inputs):
    """What TFX's launcher hands on: the inputs as in ML Metadata, the outputs at the root."""
    model = staging.made / "Trainer" / "model" / "2"
    model.mkdir(parents=True)
    given = {key: [pb.Artifact(uri=str(uri))] for key, uri in inputs.items()}
    return SimpleNamespace(
        input_dict=given, output_dict={"model": [pb.Artifact(uri=str(model))], "run": []}
    )


def trained(info):
    """An executor of the old kind: it returns copies of its outputs."""
    [examples], [model] = info.input_dict["examples"], info.output_dict["model"]
    (Path(model.uri) / "weights").write_text((Path(examples.uri) / "rows").read_text())
    copy = pb.Artifact()
    copy.CopyFrom(model)
    copy.custom_properties["learned_from"].string_value = examples.uri
    copy.custom_properties["rows"].int_value = 1
    group = SimpleNamespace(artifacts=[copy])
    return SimpleNamespace(output_artifacts={"model": group})


def test_an_executor_has_paths_and_ml_metadata_urls(staging):
    info = execution(staging, examples=EXAMPLES)
    output = staging.run(trained, info)
    [published] = output.output_artifacts["model"].artifacts
    url = str(KEPT / "Trainer" / "model" / "2")
    assert published.uri == info.output_dict["model"][0].uri == url
    assert published.custom_properties["learned_from"].string_value == str(EXAMPLES)
    assert published.custom_properties["rows"].int_value == 1
    assert objects.read(parse(url) / "weights") == b"rows"
    assert not [each for each in staging.made.rglob("*") if each.is_file()]
    assert cache.entry(url).exists(), "the next node need not fetch it"


def test_an_input_on_a_disk_stays_where_it_is(staging, tmp_path):
    info = execution(staging, examples=tmp_path / "source")
    staging.run(trained, info)
    assert info.input_dict["examples"][0].uri == str(tmp_path / "source")


def test_an_input_that_is_gone_ends_the_node_before_it_runs(staging):
    info = execution(staging, examples=KEPT / "absent")
    with pytest.raises(StoreError, match="it was deleted, or never completed"):
        staging.run(pytest.fail, info)


def test_an_upload_that_fails_publishes_nothing(staging, memory, monkeypatch):
    def refused(path, mode="rb", **options):
        raise OSError("AWS Error SLOW_DOWN")

    info = execution(staging, examples=EXAMPLES)

    def run(info):
        output = trained(info)
        monkeypatch.setattr(memory, "_open", refused)
        return output

    with pytest.raises(StoreError, match=r"overloaded \(SLOW_DOWN\)"):
        staging.run(run, info)
    model = staging.made / "Trainer" / "model" / "2"
    assert not model.exists()
    assert info.output_dict["model"][0].uri == str(model)
    assert not cache.entry(str(KEPT / "Trainer" / "model" / "2")).exists()


def test_a_node_begins_without_what_a_failed_one_has_uploaded(memory, tmp_path):
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    failed = ledger.node("run", "Trainer", state="FAILED")
    lineage = Lineage(where.metadata, "line")
    assert staging_of(lineage, where, "Trainer") is None
    kept = parse("s3://bucket/prefix") / identity(lineage)
    objects.write(kept / "Trainer" / "model" / str(failed) / "weights", b"half")
    found = staging_of(lineage, replace(where, store=parse("s3://bucket/prefix")), "Trainer")
    assert found == Staging(where.artifacts, kept)
    assert not [each for each in memory.store if each.endswith("weights")]
