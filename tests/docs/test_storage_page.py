"""The commands of docs/storage.md, against a real S3 server with the page's own bucket."""

import os
import shlex
import signal
import subprocess
import sys

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from beltline.storage import objects
from beltline.storage.url import parse
from tests.beltline_process import Beltline
from tests.docs.pages import ROOT, blocks
from tests.end_to_end.projects import QUICK, Project
from tests.object_store import SECRET_KEY

pytestmark = pytest.mark.slow
# A few passes over few rows: the commands are asked here, not the model.
_QUICK = [*QUICK, "--set", "evaluation.thresholds.auc.lower=0.1"]


def _commands() -> list[str]:
    page = ROOT / "docs/storage.md"
    return [each for block in blocks("bash") if block.page == page for each in block.commands()]


@pytest.fixture
def project(
    beltline: Beltline, bucket: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch
) -> Project:
    folder = tmp_path_factory.mktemp("storage-page")
    pyarrow.csv.write_csv(generate(2000, 3), folder / "parts.csv")
    objects.upload({parse("s3://models/in/parts.csv"): folder / "parts.csv"})
    names = [name for name in os.environ if name.startswith("AWS_")]
    environment = {name: os.environ[name] for name in names}
    environment["BELTLINE_CACHE"] = str(folder / "cache")
    return Project(beltline, folder, environment)


def test_the_commands_of_the_page(project: Project) -> None:
    [serving] = [each for each in _commands() if "beltline.serving" in each]
    for command in _commands():
        program, *words = shlex.split(command)
        if command == serving:
            continue
        if program == "python":
            done = _python(project, words)
            assert done.returncode == 0, done.stderr
            continue
        result = project(*words, *(_QUICK if words[0] == "run" else ()))
        assert result.code == 0, result.text
    assert (project.folder / "predictions.csv").read_text().count("\n") == 2001
    _serves(project, shlex.split(serving)[1:])
    written = [each for each in project.folder.rglob("*") if each.is_file()]
    assert [each for each in written if SECRET_KEY.encode() in each.read_bytes()] == []


def _python(project: Project, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | project.env
    return subprocess.run(
        [sys.executable, *words],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _serves(project: Project, words: list[str]) -> None:
    server = subprocess.Popen(
        [sys.executable, *words],
        cwd=project.folder,
        env=os.environ | project.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    try:
        assert any("now serving version 1" in line for line in server.stdout)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
