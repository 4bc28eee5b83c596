"""The warm worker by the node runner's contract: what is seen, killed, and left behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from beltline.runners.metadata.store import Lineage, NodeRun
from tests.beltline_process import Beltline
from tests.end_to_end.projects import Project, begun

pytestmark = pytest.mark.slow


@dataclass
class Site:
    """A project with a compiled bundle, and a folder for the worker's socket."""

    project: Project
    folder: Path
    more: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "BELTLINE" not in name}
        root, data = str(self.project.root), str(self.project.folder)
        paths = {"BELTLINE_ROOT": root, "BELTLINE_DATA": data}
        return kept | paths | {"TMPDIR": str(self.folder)} | self.more

    def start(self, node: str, run: str, *options: str) -> subprocess.Popen[str]:
        [bundle] = (self.project.root / "bundles").iterdir()
        words = ["--bundle", str(bundle), "--node", node, "--run", run, *options]
        return subprocess.Popen(
            [sys.executable, "-m", "beltline.runners.warm", *words],
            env=self.environment,
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, node: str, run: str, *options: str) -> tuple[int, dict[str, Any], str]:
        """Returns the exit code, the JSON of the last line, and what went to stderr."""
        return self.end(self.start(node, run, *options))

    def end(self, client: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
        out, err = client.communicate(timeout=120)
        return client.returncode, json.loads(out.splitlines()[-1]) if out else {}, err

    def working(self, run: str, *options: str) -> subprocess.Popen[str]:
        """A client whose node takes a while, and is at it."""
        assert self.call("ExampleGen", run)[0] == 0
        client = self.start("StatisticsGen", run, "--force", *options)
        wait_for(lambda: self.execution(run).state == "running")
        return client

    def execution(self, run: str) -> NodeRun:
        lineage = Lineage(f"sqlite:///{self.project.root}/metadata.sqlite", "casting")
        found = lineage.node(run, "StatisticsGen")
        return found or NodeRun("StatisticsGen", "none", 0, 0, 0)

    def workers(self) -> list[int]:
        """The worker processes, without the nodes that they have forked."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            ours = b"beltline.runners.warm.worker" in words and os.fsencode(
                self.folder
            ) in b"".join(words)
            if ours:
                found.append((int(entry.name), parent))
        return [number for number, parent in found if parent not in [n for n, _ in found]]

    def nodes(self) -> list[int]:
        """The nodes' processes."""
        [worker] = self.workers()
        text = Path(f"/proc/{worker}/task/{worker}/children").read_text()
        return [int(number) for number in text.split()]


def wait_for(what: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return begun(beltline, tmp_path_factory.mktemp("warm"), rows=8000)


@pytest.fixture(scope="module")
def site(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(project, tmp_path_factory.mktemp("socket"), {})
    yield site
    for worker in site.workers():
        os.kill(worker, signal.SIGTERM)


def test_it_ends_as_the_node_runner_does(site: Site) -> None:
    code, found, err = site.call("ExampleGen", "a")
    assert (code, found["node"], found["state"]) == (0, "ExampleGen", "cached"), err
    code, found, err = site.call("ExampleGen", "b", "--param", "data-path=nowhere.csv")
    assert (code, found["state"]) == (1, "failed") and "nowhere.csv" in found["reason"]
    assert "ERROR beltline.node" in err
    code, _, err = site.call("Trainr", "c")
    assert code == 2 and "Trainr" in err


def test_the_second_node_does_not_wait_for_imports(site: Site) -> None:
    site.call("ExampleGen", "a")
    [worker] = site.workers()
    started = time.monotonic()
    assert site.call("Schema", "a")[1]["state"] in ("done", "cached")
    assert time.monotonic() - started < 4
    assert site.workers() == [worker]


def test_only_its_owner_can_reach_it(site: Site) -> None:
    site.call("ExampleGen", "a")
    [socket] = site.folder.glob("*/*.sock")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_client_stops_the_node(site: Site, number: signal.Signals) -> None:
    run = f"signal-{number.name}"
    client = site.working(run)
    client.send_signal(number)
    code, found, _ = site.end(client)
    assert (code, found["reason"]) == (1, f"stopped by {number.name}")
    assert site.execution(run).state == "failed"
    assert site.nodes() == []


def test_a_killed_node_is_told_to_the_metadata_and_to_the_caller(site: Site) -> None:
    client = site.working("node-killed")
    [node] = site.nodes()
    os.kill(node, signal.SIGKILL)
    code, _, err = site.end(client)
    assert code == -signal.SIGKILL
    assert "marked failed in ML Metadata" in err
    found = site.execution("node-killed")
    assert (found.state, found.reason) == ("failed", "its process was killed (SIGKILL)")


def test_a_killed_client_takes_its_node_along(site: Site) -> None:
    client = site.working("client-killed")
    client.kill()
    wait_for(lambda: site.nodes() == [])
    client.communicate()
    assert site.execution("client-killed").state == "failed"


def test_a_killed_worker_takes_its_node_along_and_the_next_call_starts_another(site: Site) -> None:
    client = site.working("worker-killed")
    [worker] = site.workers()
    os.kill(worker, signal.SIGKILL)
    code, _, err = site.end(client)
    assert code == 1 and "the warm worker was killed" in err
    assert site.execution("worker-killed").state == "failed"
    again = [site.start(node, "worker-killed") for node in ("Schema", "ExampleGen")]
    assert [site.end(each)[0] for each in again] == [0, 0]
    assert len(site.workers()) == 1 and site.workers() != [worker]


def test_it_ends_when_it_has_had_nothing_to_do(project: Project, tmp_path: Path) -> None:
    site = Site(project, tmp_path, {"BELTLINE_WORKER_IDLE": "1"})
    assert site.call("ExampleGen", "a")[0] == 0
    wait_for(lambda: site.workers() == [], seconds=5)
    assert list(site.folder.glob("*/*.sock")) == []


def test_without_a_worker_a_plain_process_does_the_same(project: Project, tmp_path: Path) -> None:
    site = Site(project, tmp_path, {"BELTLINE_WORKER_IDLE": "0"})
    client = site.working("plain")
    children = Path(f"/proc/{client.pid}/task/{client.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    code, _, err = site.end(client)
    assert code == -signal.SIGKILL and "no warm worker (BELTLINE_WORKER_IDLE=0)" in err
    assert site.execution("plain").state == "failed"
    assert site.workers() == []
