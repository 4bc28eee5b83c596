"""BulkInferrer by TFX's launcher on real versions: what it writes, publishes, skips and caches."""

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tfx.dsl.compiler import compiler
from tfx.orchestration.pipeline import Pipeline

from beltline.bundle.code import archive
from beltline.bundle.folder import write
from beltline.bundle.manifest import Node
from beltline.pipeline.components.bulk_inferrer import BulkInferrer
from beltline.pipeline.engine import BEAM_ARGS
from beltline.pipeline.tables.sources import Source
from beltline.runners.metadata.store import Lineage
from beltline.runners.node.launch import launch
from beltline.runners.node.outcome import read_back
from beltline.runners.paths import Paths
from beltline.versions.live import promote
from tests.bundle.bundles import manifest
from tests.serving import running

pytestmark = pytest.mark.slow

HEADER = "part,temp,mold,die temp,scrap"
ROWS = ("0001,0.5,M1,2,ok", "0002,,M2,,ok", "0003,-7,true,3,ok")
ID = "BulkInferrer"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Versions 1 and 2 of a small model, which are equal but for their numbers."""
    folder = tmp_path_factory.mktemp("served") / "line"
    running.small_model(folder / "1")
    running.copy_version(folder / "1", folder / "2")
    return folder


class Project:
    """A root with versions, of which 1 is live; rows; and an ML Metadata for any number of runs."""

    def __init__(self, folder: Path, versions: Path):
        self.paths = Paths(folder / "root", f"sqlite:///{folder}/metadata.sqlite", folder)
        self.rows, self.output = folder / "new.csv", folder / "root" / "out" / "p.csv"
        self.served = self.paths.root / "served" / "line"
        shutil.copytree(versions, self.served)
        promote(self.served, 1)
        self.settings = {
            "rows": Source(str(self.rows)),
            "span": "latest",
            "output": "out/p.csv",
        }
        self.write(*ROWS)
        self.runs = 0

    def write(self, *lines):
        self.rows.write_text("\n".join([HEADER, *lines]) + "\n")

    def run(self, force=False, **changes):
        """Runs the node as the pipeline's only one; returns its outcome."""
        self.settings |= changes
        node = BulkInferrer(**self.settings, directory="served", name="line")
        pipeline = Pipeline(
            "line", "", components=[node], enable_cache=True, beam_pipeline_args=BEAM_ARGS
        )
        made = manifest(nodes=(Node(id=ID, role="release", does="Predicts."),), parameters={})
        compiled = compiler.Compiler().compile(pipeline).SerializeToString(deterministic=True)
        bundle = write(self.paths.bundles, made, compiled, archive({}))
        self.runs += 1
        error = ""
        try:
            launch(bundle, ID, f"r{self.runs}", self.paths, {}, force)
        except Exception as raised:
            error = str(raised)
        found = Lineage(self.paths.metadata, "line").node(f"r{self.runs}", ID)
        return read_back(found, ID, error)

    def published(self, file=None):
        with (file or self.output).open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def version(self):
        return {row["version"] for row in self.published()}


@pytest.fixture
def project(tmp_path, versions, monkeypatch):
    made = Project(tmp_path, versions)
    monkeypatch.setenv("BELTLINE_ROOT", str(made.paths.root))
    monkeypatch.delenv("BELTLINE_DATA", raising=False)
    return made


def properties(outcome):
    [artifact] = outcome.outputs["inference_result"]
    return artifact["properties"]


def test_rows_are_predicted_and_published(project):
    outcome = project.run()
    assert (outcome.state, outcome.reason) == ("done", "")
    found = project.published()
    assert list(found[0]) == ["part", "scrap", "class", "probability", "version"]
    assert [row["part"] for row in found] == ["0001", "0002", "0003"]
    assert project.version() == {"1"}
    said = properties(outcome)
    assert (said["predicted_rows"], said["rejected_rows"], said["predicted_by"]) == (3, 0, "1")
    assert said["published"] == str(project.output)
    [artifact] = outcome.outputs["inference_result"]
    # The run's own copy: a later run doesn't change it.
    assert project.published(Path(artifact["uri"]) / "predictions.csv") == found
    assert sorted(each.name for each in project.output.parent.iterdir()) == ["p.csv"]


def test_parquet_columns_to_keep_and_the_span_in_the_name(project, tmp_path):
    for day in ("2026-11-22", "2026-11-23"):
        shutil.copy(project.rows, tmp_path / f"{day}.csv")
    project.run(
        rows=Source(str(tmp_path / "{YYYY}-{MM}-{DD}.csv")),
        output="{SPAN}.parquet",
        keep=["mold", "part"],
    )
    found = pq.read_table(project.paths.root / "2026-11-23.parquet")
    assert found.column_names == ["mold", "part", "class", "probability", "version"]
    assert found["mold"].to_pylist() == ["M1", "M2", "true"]
    assert not (project.paths.root / "2026-11-22.parquet").exists()
    assert project.run(span="2026-11-22").state == "done"
    assert (project.paths.root / "2026-11-22.parquet").exists()


def test_rows_that_can_not_be_read_are_published_beside(project):
    project.write(ROWS[0], "0009,1", ROWS[1])
    assert properties(project.run())["rejected_rows"] == 1
    [reject] = map(json.loads, project.output.with_suffix(".rejects.jsonl").open())
    assert (reject["line"], reject["text"]) == (3, "0009,1")
    project.write(*ROWS)
    assert project.run().state == "done"
    assert not project.output.with_suffix(".rejects.jsonl").exists()


def test_the_same_rows_by_the_same_version_are_cached(project, tmp_path):
    assert project.run().state == "done"
    assert project.run().state == "cached"
    shutil.copy(project.rows, tmp_path / "copy.csv").replace(project.rows)
    assert project.run().state == "cached"
    assert project.run(force=True).state == "done"


def test_other_rows_or_another_version_are_not(project):
    project.run()
    project.write(*ROWS[:2])
    assert project.run().state == "done"
    assert len(project.published()) == 2
    promote(project.served, 2)
    assert project.run().state == "done"
    assert project.version() == {"2"}


def test_a_cached_result_is_published_again_where_it_is_not_what_is_there(project):
    project.run()
    before = project.output.read_bytes()
    promote(project.served, 2)
    project.run()
    # Rolled back: the predictions of the version before are known.
    promote(project.served, 1)
    assert project.run().state == "cached"
    assert project.output.read_bytes() == before
    project.output.unlink()
    assert project.run().state == "cached"
    assert project.output.read_bytes() == before


def test_a_result_that_was_deleted_is_made_again(project):
    [artifact] = project.run().outputs["inference_result"]
    shutil.rmtree(artifact["uri"])
    project.output.unlink()
    assert project.run().state == "done"
    assert len(project.published()) == 3


def test_without_a_version_it_is_skipped(project):
    shutil.rmtree(project.served)
    outcome = project.run()
    assert (outcome.state, outcome.reason) == ("skipped", "no version has been pushed yet")
    assert outcome.exit_code == 99 and not project.output.exists()


def test_without_rows_it_is_skipped_and_the_last_predictions_stay(project, tmp_path):
    project.run()
    project.write()
    outcome = project.run()
    assert outcome.state == "skipped" and "no rows, only column names" in outcome.reason
    assert len(project.published()) == 3
    shutil.copy(project.rows, tmp_path / "7.csv")
    outcome = project.run(rows=Source(str(tmp_path / "{SPAN}.csv")), span="8")
    assert outcome.state == "skipped" and outcome.reason.startswith("no data for span 8")
    # Once there are, they are predicted.
    project.write(*ROWS[:1])
    shutil.copy(project.rows, tmp_path / "8.csv")
    assert project.run().state == "done"
    assert len(project.published()) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"keep": ["parts"]}, "no column 'parts'; did you mean 'part'?"),
        ({"output": "served/p.csv"}, "where Beltline keeps its own files"),
        ({"output": "../new.csv"}, "is the file of predict.path"),
        ({"rows": Source("nowhere.csv")}, "nowhere.csv: no such file or folder"),
        ({"rows": Source("new.csv"), "span": "7"}, "predict.span '7': predict.path"),
    ],
)
def test_what_does_not_fit_is_said(project, changes, says, monkeypatch, tmp_path):
    monkeypatch.setenv("BELTLINE_DATA", str(tmp_path))
    outcome = project.run(**changes)
    assert outcome.state == "failed" and says in outcome.reason


def test_a_value_that_is_not_of_its_column_leaves_the_last_predictions(project):
    project.run()
    project.write(*ROWS, "0004,hot,M1,2,ok")
    outcome = project.run()
    assert outcome.state == "failed"
    assert "new.csv, line 5, column 'temp': 'hot'" in outcome.reason
    assert len(project.published()) == 3
