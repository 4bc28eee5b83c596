import subprocess
import sys

import pytest

import beltline
from beltline.base.errors import WrongInput
from tests.runners.cli.commands.test_runs import record
from tests.runners.projects import Ledger, paths


def test_beltline_alone_imports_nothing_of_it():
    words = (
        "import sys, beltline; beltline.open; print([n for n in sys.modules if 'beltline.' in n])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_root_has_its_runs_and_versions(root, folder):
    assert (root.pipeline, root.path) == ("line", folder / ".beltline")
    assert [run.id for run in root.runs] == ["r1", "r2", "r3"]
    assert [version.number for version in root.versions] == [1]
    assert "of line: 3 runs, 1 versions, version 1 live" in repr(root)
    shown = root._repr_html_()
    # The latest first.
    places = [
        shown.index(text) for text in ("1 (live)", "auc 0.7500", ">r3</th>", ">r2</th>", ">r1</th>")
    ]
    assert places == sorted(places)


def test_it_reads_what_has_happened_since(root, folder, ledger):
    ledger.run("r4")
    record(folder, "r4", "done")
    assert "r4" in [run.id for run in root.runs]


def test_a_root_is_found_by_the_environment(root, folder, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(root.path))
    assert len(beltline.open().runs) == 3
    monkeypatch.setenv("BELTLINE_ROOT", str(folder))
    # An argument wins: it is what the caller wants to see.
    assert len(beltline.open(str(root.path)).runs) == 3


def test_an_empty_root_says_what_makes_runs(tmp_path):
    root = beltline.open(tmp_path)
    assert (len(root.runs), len(root.versions), root.versions.live) == (0, 0, None)
    assert (repr(root.runs), repr(root.versions)) == (
        "no runs yet",
        "no version has been pushed yet",
    )
    assert "No runs yet" in root._repr_html_()
    assert "no pipeline yet" in repr(root)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(IndexError, match="`beltline run` makes one"):
        root.runs[-1]
    with pytest.raises(IndexError, match="`beltline run` pushes one"):
        root.versions[-1]


def test_a_folder_that_is_no_root_is_refused(root, folder, tmp_path):
    with pytest.raises(WrongInput, match=r"not a root: .* did you mean .*\.beltline"):
        beltline.open(folder)
    with pytest.raises(WrongInput, match="no such folder"):
        beltline.open(tmp_path / "nowhere")
    with pytest.raises(WrongInput, match="no such folder"):
        beltline.open(folder / "pipeline.yaml")
    with pytest.raises(WrongInput, match="a path on a disk is needed"):
        beltline.open("s3://bucket/root")


def test_of_several_pipelines_one_must_be_named(root, folder):
    Ledger(paths(folder).metadata, "other").run("o1")
    with pytest.raises(WrongInput, match=r"name one: pipeline=… \(line, other\)"):
        beltline.open(root.path)
    assert [run.id for run in beltline.open(root.path, pipeline="other").runs] == ["o1"]
    with pytest.raises(WrongInput, match="pipeline 'lime' not found; did you mean line"):
        beltline.open(root.path, pipeline="lime")


def test_another_metadata_database(root, tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/other.sqlite")
    ledger.run("elsewhere")
    found = beltline.open(root.path, metadata=f"sqlite:///{tmp_path}/other.sqlite")
    assert "elsewhere" in [run.id for run in found.runs]
