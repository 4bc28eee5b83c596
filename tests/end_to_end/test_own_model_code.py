"""The model code of the bundle runs and no other, wherever the node runs, whatever its name is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beltline_process import Beltline
from tests.end_to_end import own_code
from tests.end_to_end.projects import QUICK, Project, casting

pytestmark = pytest.mark.slow

BEFORE = ["ExampleGen", "StatisticsGen", "Schema", "ExampleValidator", "DataGate"]


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run to the Trainer during which the packages are edited, once the bundle is there."""
    project = casting(beltline, tmp_path_factory.mktemp("own"), rows=1500)
    own_code.write(project.folder)
    running = project.start("run", *QUICK, *own_code.SETTINGS, "--to", "Trainer")
    deadline = time.monotonic() + 120
    while "ExampleGen" not in running.out:
        assert running.process.is_alive() and time.monotonic() < deadline, running.out
        time.sleep(0.05)
    own_code.write(project.folder, "second")
    result = running.wait()
    assert result.code == 0, result.text
    return project


def logs(project: Project) -> str:
    return "".join(project("logs", "latest", node).out for node in ("Transform", "Trainer"))


def test_an_edit_during_a_local_run_does_not_leak_in(project: Project) -> None:
    text = logs(project)
    assert [said for said in own_code.SAID if said not in text] == []
    assert "second" not in text


def words(project: Project, node: str, run: str, *options: str) -> list[str]:
    [bundle] = (project.root / "bundles").iterdir()
    return ["--bundle", str(bundle), "--node", node, "--run", run, *options]


def begun(project: Project, run: str) -> None:
    """Begins a run with the nodes before Transform, whose results are cached."""
    env = {"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)}
    for node in BEFORE:
        options = {"cwd": project.folder, "env": env, "program": "beltline.runners.node.run"}
        done = project.beltline(*words(project, node, run), **options)
        assert done.code == 0, done.text


def in_process(project: Project, folder: Path, module: str, node: str, run: str) -> str:
    """What a node prints, called in the user's folder, where `python -m` looks first."""
    kept = {name: value for name, value in os.environ.items() if "BELTLINE" not in name}
    root, data = str(project.root), str(project.folder)
    places = {"BELTLINE_ROOT": root, "BELTLINE_DATA": data, "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", f"beltline.runners.{module}", *words(project, node, run, "--force")],
        cwd=project.folder,
        env=kept | places,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def own_worker(tmp_path: Path) -> Iterator[Path]:
    """A folder for the socket of a warm worker, which is ended."""
    yield tmp_path
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = os.fsencode(tmp_path) in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if ours:
            os.kill(int(entry.name), signal.SIGTERM)


def test_the_warm_worker_runs_the_bundle_s(project: Project, own_worker: Path) -> None:
    begun(project, "warm")
    nodes = ("Transform", "Trainer")
    text = "".join(in_process(project, own_worker, "warm", node, "warm") for node in nodes)
    assert [said for said in own_code.SAID if said not in text] == []
    assert "second" not in text


@pytest.mark.long
def test_a_process_of_its_own_runs_the_bundle_s(project: Project, tmp_path: Path) -> None:
    begun(project, "node")
    text = in_process(project, tmp_path, "node", "Transform", "node")
    assert own_code.SAID[0] in text
    assert "second" not in text


def test_the_bundle_runs_where_the_packages_are_not(project: Project, tmp_path: Path) -> None:
    """On another machine, or after they were removed."""
    begun(project, "gone")
    own_code.remove(project.folder)
    assert own_code.SAID[0] in in_process(project, tmp_path, "node", "Transform", "gone")
