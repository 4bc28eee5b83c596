import os

import pytest
import yaml

import beltline
from beltline.api.project import _options
from beltline.base.errors import WrongInput
from tests.runners.projects import project


def test_the_nearest_file_above_is_found(folder, monkeypatch):
    within = folder / "notebooks" / "deep"
    within.mkdir(parents=True)
    monkeypatch.chdir(within)
    found = beltline.project()
    assert (found.file, found.folder) == (folder / "pipeline.yaml", folder)
    assert found.schema == folder / "line.pbtxt"
    assert repr(found) == f"<Project line: {folder / 'pipeline.yaml'}>"
    assert beltline.project(folder).file == beltline.project(found.file).file == found.file


def test_its_root_is_that_of_the_settings(folder, root):
    found = beltline.project(folder)
    assert [run.id for run in found.root.runs] == ["r1", "r2", "r3"]
    settings = yaml.safe_load(found.file.read_text())
    # Read again whenever it is asked.
    found.file.write_text(yaml.safe_dump(settings | {"local": {"root": "elsewhere"}}))
    assert found.root.path == folder / "elsewhere"
    assert len(found.root.runs) == 0
    assert not found.root.path.exists()


def test_where_there_is_no_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongInput, match=r"no pipeline\.yaml in .* or above it"):
        beltline.project()
    with pytest.raises(WrongInput, match="no such file"):
        beltline.project(tmp_path / "other.yaml")
    project(tmp_path).write_text("name: [")
    with pytest.raises(WrongInput, match=r"pipeline\.yaml:1"):
        beltline.project()


def test_a_mistake_in_a_run_is_what_the_command_line_says(folder, capsys):
    before = dict(os.environ)
    with pytest.raises(WrongInput) as told:
        beltline.project(folder).run(settings={"training.epochs": "yes", "model.learners": ["ü"]})
    text = str(told.value)
    # The text `yes` stays a text, and is no boolean of YAML's.
    assert '--set training.epochs="yes"' in text and "ü" in text
    assert not text.startswith("beltline:")
    assert capsys.readouterr().out == ""
    assert dict(os.environ) == before


def test_what_a_run_is_given_are_options_of_the_command():
    assert _options(None, None, False, {}) == []
    assert _options("Trainer", "Transform", True, {"a.b": ["ü", 1]}) == (
        ["--set", 'a.b=["ü", 1]', "--to", "Trainer", "--from", "Transform", "--force"]
    )
    assert _options(None, None, "Trainer", {}) == ["--force", "Trainer"]
