import os
import re
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
LOOKS = ["--help", "models", "runs", "runs r1", "report", "check local", "logs r1 Trainer"]
# Calls the command line for each, and says after it what of all that has been loaded.
SCRIPT = f"""
import sys
from beltline.runners.cli.main import main
for words in {LOOKS!r}:
    sys.argv = ["beltline", *words.split()]
    try:
        main()
    except SystemExit as left:
        print("loaded:", *sorted(set({HEAVY.split()!r}) & set(sys.modules)))
        print("ended:", words, left.code or 0, flush=True)
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


def test_to_look_loads_no_tensorflow(tmp_path):
    project(tmp_path)
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r1")
    ledger.node("r1", "Trainer")
    log = paths(tmp_path).log("r1", "Trainer")
    log.parent.mkdir(parents=True)
    log.write_text("learned\n")
    done = call(cwd=tmp_path, script=SCRIPT)
    assert done.returncode == 0, done.stderr
    ended = re.findall(r"(?m)^ended: (.+)$", done.stdout)
    # There is no data, which the check must say; the others end well.
    assert ended == [f"{words} {2 if words == 'check local' else 0}" for words in LOOKS]
    said = re.split(r"(?m)^ended: .+\n", done.stdout)
    assert all(each.splitlines()[-1] == "loaded:" for each in said[:-1]), done.stdout
    assert all(len(each.splitlines()) > 1 for each in said[:-1])


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
