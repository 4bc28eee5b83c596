import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.main import COMMANDS, cli
from beltline.runners.local.runner import SHARED
from tests.runners.projects import Ledger, paths, project

SOURCES = Path(__file__).parents[3]
HEAVY = "tensorflow tfx apache_beam tensorflow_data_validation tensorflow_model_analysis keras"
CLOUD = "google.cloud.aiplatform kfp airflow tfx.v1"
# Calls the command line and says on the last line what of all that it has loaded.
SCRIPT = f"""
import sys
from beltline.runners.cli.main import main
try:
    main()
finally:
    print("loaded:", *sorted(set({HEAVY.split()!r}) & set(sys.modules)))
"""


def call(*arguments, cwd, script=None):
    start = ["-c", script] if script else ["-m", "beltline.runners.cli"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BELTLINE_")}
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_what_the_nodes_share_leaves_out_what_nothing_local_needs(tmp_path):
    modules = ["beltline.pipeline.compile", *SHARED]
    script = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(*sorted(set({CLOUD.split()!r}) & set(sys.modules)))
"""
    done = call(cwd=tmp_path, script=script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_command_is_there_and_explains_itself():
    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert f"Usage: cli {name}" in result.output
        assert len(result.output.splitlines()) > 4


def test_help_lists_the_commands():
    result = CliRunner().invoke(cli, ["--help"])
    assert all(f"  {name} " in result.output for name in COMMANDS)
    assert "Exit codes:" in result.output


def test_help_comes_at_once(tmp_path):
    """What takes a tenth of a second and more to import is left to the commands that need it."""
    slow = ["google.protobuf", "ml_metadata", "numpy", "pandas", "pyarrow", "pydantic", "requests"]
    script = f"""
import sys
from beltline.runners.cli.main import main
try:
    main()
finally:
    print("loaded:", *sorted(set({[*slow, *HEAVY.split()]!r}) & set(sys.modules)))
"""
    done = call("--help", cwd=tmp_path, script=script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["models"],
        ["runs"],
        ["runs", "r1"],
        ["report"],
        ["check", "local"],
        ["logs", "r1", "Trainer"],
    ],
)
def test_to_look_loads_no_tensorflow(tmp_path, arguments):
    project(tmp_path)
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r1")
    ledger.node("r1", "Trainer")
    log = paths(tmp_path).log("r1", "Trainer")
    log.parent.mkdir(parents=True)
    log.write_text("learned\n")
    done = call(*arguments, cwd=tmp_path, script=SCRIPT)
    # There is no data, which the check must say; the others end well.
    assert done.returncode == (2 if arguments[0] == "check" else 0), done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
    assert len(done.stdout.splitlines()) > 1


def test_a_mistake_is_a_message_and_not_a_traceback(tmp_path):
    done = call("models", cwd=tmp_path)
    assert done.returncode == WrongInput.exit_code == 2
    assert done.stderr.startswith("beltline: pipeline.yaml: no such file")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["modles"], ["check"], ["check", "moon"], ["runs", "--jsn"]])
def test_a_command_that_is_not_there_is_wrong_input(tmp_path, arguments):
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
