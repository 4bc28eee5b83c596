import os

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.logs import logs
from beltline.runners.local.record import Record
from tests.runners.projects import paths, project


@pytest.fixture
def folder(tmp_path):
    project(tmp_path)
    return tmp_path


def write(folder, run, node, content, age=0):
    log = paths(folder).log(run, node)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(content)
    os.utime(log, (2e9 - age, 2e9 - age))


def invoke(folder, *arguments):
    return CliRunner().invoke(logs, ["-f", str(folder / "pipeline.yaml"), *arguments])


def refusal(folder, *arguments):
    error = invoke(folder, *arguments).exception
    assert isinstance(error, WrongInput)
    return str(error)


def test_the_log_as_it_is(folder):
    write(folder, "r1", "Trainer", "épochs\n  1\nno line end".encode())
    write(folder, "r1", "Pusher", b"other")
    assert invoke(folder, "r1", "Trainer").output == "épochs\n  1\nno line end"


def test_what_a_terminal_would_obey_is_shown_escaped(folder):
    write(folder, "r1", "Trainer", "mold \x1b[2J\u202e\n".encode())
    assert invoke(folder, "r1", "Trainer").output == "mold \\x1b[2J\\u202e\n"


def test_a_torn_character_is_no_fault(folder):
    write(folder, "r1", "Trainer", b"loss 0.5 \xe2\x82")
    result = invoke(folder, "r1", "Trainer")
    assert result.exit_code == 0
    assert result.output.startswith("loss 0.5 ")


def test_the_latest_is_the_last_one_written_whatever_its_name(folder):
    write(folder, "manual__1", "Trainer", b"new")
    write(folder, "scheduled__1", "Trainer", b"old", age=100)
    write(folder, "aaa", "Trainer", b"older", age=200)
    assert invoke(folder, "latest", "Trainer").output == "new"


def test_the_latest_is_one_of_this_pipeline(folder):
    write(folder, "r1", "Trainer", b"ours", age=100)
    write(folder, "r2", "Trainer", b"theirs")
    Record("r1", "line", "b", "").write(paths(folder).root)
    Record("r2", "other", "b", "").write(paths(folder).root)
    assert invoke(folder, "latest", "Trainer").output == "ours"
    assert "no logs of run 'r2' found; did you mean r1?" in refusal(folder, "r2", "Trainer")


def test_what_is_not_there_is_refused_with_the_nearest(folder):
    write(folder, "20260101-000000-ab", "Trainer", b"")
    assert "did you mean 20260101-000000-ab?" in refusal(folder, "20260101-000000-ac", "Trainer")
    assert "did you mean latest?" in refusal(folder, "last", "Trainer")
    said = refusal(folder, "latest", "trainr")
    assert "run 20260101-000000-ab: no log of node 'trainr' found; did you mean Trainer?" in said


def test_without_any_log_there_is_nothing_to_choose(folder):
    assert "no logs of run 'latest' found; there is none yet" in refusal(folder, "latest", "x")
    assert not paths(folder).root.exists()


@pytest.mark.parametrize("run", ["..", "../logs/r1", "/", ""])
def test_only_a_log_is_shown(folder, run):
    write(folder, "r1", "Trainer", b"")
    (paths(folder).root / "Trainer.log").write_text("secret")
    assert "no logs of run" in refusal(folder, run, "Trainer")
    assert "no log of node" in refusal(folder, "r1", "../../Trainer")
