import json
import shutil

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.checks import local as checks
from beltline.runners.checks.finding import Problem
from beltline.runners.checks.local import LocalContext
from beltline.runners.checks.machine import GIB
from beltline.runners.cli.commands.check import check
from beltline.runners.cli.commands.init import init
from beltline.runners.cli.options import open_project
from beltline.runners.local.record import only_run
from tests.runners.projects import Ledger

OF_PROJECT = ["pipeline", "root", "beam", "disk", "versions", "artifacts", "metadata", "idle"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    lines = (f"{i * 7 % 31 / 3},M{i % 3},{'no' if i % 5 else 'yes'}" for i in range(60))
    (folder / "line.csv").write_text("\n".join(["temp,mold,bad", *lines]) + "\n")
    arguments = [str(folder / "line.csv"), "--label", "bad", "-o", str(folder)]
    assert CliRunner().invoke(init, arguments).exit_code == 0
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A project that `beltline init` made, never run."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "pipeline.yaml"
    settings.write_text(settings.read_text().replace(str(made), "."))
    return tmp_path


def invoke(folder, *arguments):
    return CliRunner().invoke(check, ["local", "-f", str(folder / "pipeline.yaml"), *arguments])


def findings(folder, *arguments):
    return {each["check"]: each for each in json.loads(invoke(folder, *arguments, "--json").stdout)}


def context(folder):
    return LocalContext(*open_project(folder / "pipeline.yaml"))


def failed(folder, *arguments):
    return [name for name, each in findings(folder, *arguments).items() if each["ok"] is False]


def test_where_all_is_well(folder):
    before = sorted(folder.rglob("*"))
    result = invoke(folder)
    assert result.exit_code == 0, result.output
    names = [
        "python",
        "machine",
        "libraries",
        "lock",
        "memory",
        "semaphores",
        "gpu",
        "settings",
        *OF_PROJECT,
    ]
    assert [line.split()[:2] for line in result.output.splitlines()] == [["ok", n] for n in names]
    # To look has made nothing.
    assert sorted(folder.rglob("*")) == before


def test_after_a_run_the_metadata_is_opened(folder):
    ledger = Ledger(context(folder).paths.metadata)
    ledger.run("r1")
    assert findings(folder)["metadata"]["text"] == "1 runs of line"


def test_what_fails_is_counted_after_all_was_printed(folder):
    (folder / "line.csv").unlink()
    result = invoke(folder)
    assert isinstance(result.exception, WrongInput)
    assert str(result.exception) == "check local: 1 of 16 failed: pipeline"
    assert len(result.stdout.splitlines()) == 16
    line = next(line for line in result.stdout.splitlines() if "pipeline " in line)
    assert line.startswith("fail ")
    assert "line.csv: no such file" in line
    assert isinstance(invoke(folder, "--json").exception, WrongInput)


def test_settings_that_are_wrong_keep_only_what_needs_them_from_being_checked(folder):
    found = findings(folder, "--set", "label.colum=x")
    assert found["settings"]["ok"] is False
    assert "did you mean 'column'" in found["settings"]["text"]
    assert found["rest"]["ok"] is None
    assert all(name in found["rest"]["text"] for name in OF_PROJECT)
    assert found["python"]["ok"] is True
    assert "pipeline" not in found


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("line.csv", "temp,mold,bad", "temp,mold,worse", "no column 'bad'"),
        ("schema/line.pbtxt", "feature", "faeture", "line.pbtxt"),
        ("line.csv", "temp,mold,bad", "temp,temp,bad", "more than once"),
    ],
)
def test_what_does_not_fit_together_is_found(folder, file, old, new, says):
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    assert failed(folder) == ["pipeline"]
    assert says in findings(folder)["pipeline"]["text"]


def test_model_code_that_python_cannot_read_is_found(folder):
    (folder / "mine.py").write_text("def build_network(:\n")
    settings = ("--set", "model.network_fn=mine.build_network")
    assert failed(folder, *settings) == ["pipeline"]
    assert "mine.py, line 1" in findings(folder, *settings)["pipeline"]["text"]
    (folder / "mine.py").write_text("def build_netwrk():\n  pass\n")
    assert "did you mean" in findings(folder, *settings)["pipeline"]["text"]


def test_a_root_that_cannot_be_written_is_found(folder):
    (folder / ".beltline").write_text("a file")
    assert {"root", "metadata"} <= set(failed(folder))
    assert "BELTLINE_ROOT" in findings(folder)["root"]["fix"]


def test_a_run_that_is_going_on_is_found(folder):
    with only_run(folder / ".beltline"):
        assert failed(folder) == ["idle"]
    assert failed(folder) == []


def test_metadata_that_cannot_be_opened_is_found(folder, monkeypatch):
    (folder / "notes.txt").write_text("no database, but words\n" * 200)
    monkeypatch.setenv("BELTLINE_METADATA", f"sqlite:///{folder / 'notes.txt'}")
    assert failed(folder) == ["metadata"]
    monkeypatch.setenv("BELTLINE_METADATA", "mysql://me:secret@127.0.0.1:1/meta")
    found = findings(folder)["metadata"]
    assert found["ok"] is False
    assert "secret" not in found["text"]
    assert "BELTLINE_METADATA" in found["fix"]
    monkeypatch.setenv("BELTLINE_METADATA", "oracle://x")
    assert "must be sqlite" in findings(folder)["metadata"]["text"]


def test_too_little_disk_is_found(folder):
    assert checks.disk(context(folder), GIB) == "1.0 GiB free"
    with pytest.raises(Problem, match=r"0\.9 GiB free, 1\.0 GiB needed") as found:
        checks.disk(context(folder), GIB * 9 // 10)
    assert "BELTLINE_ROOT" in found.value.fix
    with (folder / "line.csv").open("r+b") as data:
        data.truncate(GIB)
    with pytest.raises(Problem, match=r"4\.9 GiB free, 5\.0 GiB needed"):
        checks.disk(context(folder), int(GIB * 4.9))
    assert checks.disk(context(folder), 5 * GIB) == "5.0 GiB free"
