import shutil

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.main import cli
from tests.runners.projects import project
from tests.serving import running


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The command in a project's folder."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path / "root"))
    return lambda *words: CliRunner().invoke(cli, ["predict", *words], standalone_mode=False)


@pytest.mark.parametrize("words", [(), ("a.csv", "--query", "SELECT 1")])
def test_either_files_or_a_query(call, words):
    assert "specify either DATA or --query" in str(call(*words).exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-o", "p.xlsx"), "-o p.xlsx: must end in .parquet or .csv"),
        ((), "no version has been pushed yet; `beltline run` makes one"),
        (("--version", "3"), "--version 3: there is no such version"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(call, words, says):
    result = call("data.csv", *words)
    assert isinstance(result.exception, WrongInput)
    assert says in str(result.exception)


@pytest.fixture
def served(tmp_path):
    """Two versions, made before the folder is entered."""
    folder = tmp_path / "root" / "served" / "line"
    running.small_model(folder / "1")
    shutil.copytree(folder / "1", folder / "2")


@pytest.mark.slow
def test_it_says_what_it_has_written(served, call, tmp_path):
    (tmp_path / "a.csv").write_text("part,temp,mold,die temp\n7,1.5,M1,2\n8,x\n9,,M2,0\n")
    result = call("a.csv")
    assert result.exception is None, result.output
    assert result.output.splitlines() == [
        "predicted 2 rows with version 2: predictions.csv",
        "1 row can't be read: predictions.rejects.jsonl",
    ]
    assert (tmp_path / "predictions.csv").read_text().splitlines() == [
        '"part","class","probability","version"',
        '"7","M1",0.97068775,2',
        '"9","M2",0.5,2',
    ]
    result = call("a.csv", "--version", "1", "-o", "out/p.csv", "--keep", "temp")
    assert result.output.splitlines()[0] == "predicted 2 rows with version 1: out/p.csv"
    assert (tmp_path / "out/p.csv").read_text().splitlines()[1] == '"1.5","M1",0.97068775,1'
