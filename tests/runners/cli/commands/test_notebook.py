"""`beltline notebook`: the copies, and a real JupyterLab."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib import resources

import pytest
import requests
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.notebook import copy_notebooks, notebook

NAMES = ["1-data-and-schema.ipynb", "2-node-by-node.ipynb", "3-compare-and-explain.ipynb"]


def test_the_notebooks_are_copied_and_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "notebooks"
    assert copy_notebooks(folder) == NAMES
    assert sorted(file.name for file in folder.iterdir()) == NAMES
    original = resources.files("beltline.notebooks") / NAMES[0]
    assert (folder / NAMES[0]).read_bytes() == original.read_bytes()
    (folder / NAMES[0]).write_text("mine")
    (folder / NAMES[1]).unlink()
    assert copy_notebooks(folder) == [NAMES[1]]
    assert (folder / NAMES[0]).read_text() == "mine"


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "notebooks").write_text("")
    with pytest.raises(WrongInput, match="the notebooks can't be written"):
        copy_notebooks(tmp_path / "notebooks")


def test_without_a_project_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(notebook)
    assert "pipeline.yaml: no such file" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_without_jupyterlab_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.chdir(folder)
    # What an environment without the package answers.
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    result = CliRunner().invoke(notebook)
    assert isinstance(result.exception, WrongInput)
    assert "beltline[notebook]" in str(result.exception)
    assert not (folder / "notebooks").exists()


def test_it_listens_on_this_machine_alone(folder, monkeypatch):
    called = []
    monkeypatch.setattr(os, "execv", lambda _program, words: called.extend(words))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.chdir(folder)
    assert CliRunner().invoke(notebook, ["--port", "9999"]).exit_code == 0
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.port=9999"} <= set(called)
    assert "--allow-root" not in called


@pytest.mark.slow
def test_jupyterlab_starts_for_those_who_have_its_token(folder):
    """On 127.0.0.1 alone, in the folder of the project, with a kernel of this environment."""
    words = [sys.executable, "-m", "beltline.runners.cli", "notebook", "--no-browser"]
    log = folder / "log"
    environment = {**os.environ, "HOME": str(folder)}
    with log.open("w") as said:
        process = subprocess.Popen(
            [*words, "--allow-root", "--port", "0"],
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        url, token = _address(process, log)
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(f"{url}/api/contents", timeout=20).status_code == 403
        found = requests.get(f"{url}/api/contents/notebooks?token={token}", timeout=20).json()
        assert [each["name"] for each in sorted(found["content"], key=lambda e: e["name"])] == NAMES
        kernels = requests.get(f"{url}/api/kernelspecs?token={token}", timeout=20).json()
        assert kernels["default"] == "python3"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(process, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?token=(\w+)", log.read_text())
        if found:
            return found[1], found[2]
        time.sleep(0.1)
    raise AssertionError(f"no JupyterLab:\n{log.read_text()}")


def test_its_names_are_all_that_are_packaged():
    packaged = [file.name for file in resources.files("beltline.notebooks").iterdir()]
    assert sorted(name for name in packaged if name.endswith(".ipynb")) == NAMES
    for name in NAMES:
        assert json.loads((resources.files("beltline.notebooks") / name).read_text())["cells"]
