"""`promote` and `rollback` through the command line."""

import json

import pytest
from click.testing import CliRunner

from beltline.runners.cli.main import cli
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import paths, project


@pytest.fixture
def folder(tmp_path):
    project(tmp_path)
    for run in ("r1", "r2", "r3"):
        push_model(tmp_path, run, auc=0.8)
    return tmp_path


def call(folder, *arguments):
    """Returns what the command said, or the error that it raised."""
    result = CliRunner().invoke(cli, [*arguments, "-f", str(folder / "pipeline.yaml")])
    return result.output.strip() if result.exit_code == 0 else result.exception


def marks(folder):
    found = json.loads(call(folder, "models", "--json"))
    return {
        mark: [each["version"] for each in found if each[mark]] for mark in ("live", "previous")
    }


def test_back_and_forth(folder):
    assert marks(folder) == {"live": [3], "previous": [2]}
    assert call(folder, "promote", "1") == "line: now serving version 1 (was version 3)"
    assert marks(folder) == {"live": [1], "previous": [3]}
    assert call(folder, "promote", "1") == "line: already serving version 1"
    assert call(folder, "rollback") == "line: rolled back; now serving version 3 (was version 1)"
    assert call(folder, "rollback") == "line: rolled back; now serving version 2 (was version 3)"
    assert marks(folder) == {"live": [2], "previous": [1]}


@pytest.mark.parametrize("command", ["promote", "lineage"])
def test_a_version_that_is_not_there(folder, command):
    error = call(folder, command, "9")
    assert error.exit_code == 2
    assert str(error) == "line: version 9 not found (known: 1, 2, 3)"


@pytest.mark.parametrize("command", [("promote", "1"), ("rollback",), ("lineage", "1")])
def test_nothing_was_pushed_yet(tmp_path, command):
    project(tmp_path)
    error = call(tmp_path, *command)
    assert error.exit_code == 2
    assert "`beltline run`" in str(error)
    assert not paths(tmp_path).root.exists()


def test_nowhere_to_go_back_to(folder):
    call(folder, "rollback")
    call(folder, "rollback")
    error = call(folder, "rollback")
    assert error.exit_code == 2
    assert "version 1 is live, and there is no previous version" in str(error)


def test_a_folder_that_cannot_be_written(folder):
    """Root may write anywhere but into a file that is a folder."""
    lock = paths(folder).root / "served" / "line" / ".lock"
    lock.unlink()
    lock.mkdir()
    error = call(folder, "promote", "1")
    assert error.exit_code == 2
    assert "is not writable: Is a directory; nothing was changed" in str(error)
    assert marks(folder)["live"] == [3]


def test_no_number(folder):
    result = CliRunner().invoke(cli, ["promote", "two", "-f", str(folder / "pipeline.yaml")])
    assert result.exit_code == 2
    assert "'two' is not a valid integer" in result.output
