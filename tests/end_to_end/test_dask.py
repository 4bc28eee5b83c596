"""A whole run with its tables on two workers of Dask, one of them killed: equal to a run without.

The cluster is what `beltline cluster up` starts.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beltline.runners.paths import BEAM, ROOT
from tests.beltline_process import Beltline
from tests.end_to_end.outputs import assert_equal, assert_same, direct_root
from tests.end_to_end.projects import NODES, SEEDED, Project, casting, states

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler; the command that started it is ended by SIGINT."""
    log = tmp_path_factory.mktemp("cluster") / "log"
    command = [sys.executable, "-m", "beltline.runners.cli", "cluster", "up"]
    with log.open("w") as file:
        process = subprocess.Popen([*command, "--workers", "2", "--port", "0"], stdout=file)
    try:
        while not (found := re.search(r"2 workers at (\S+);", log.read_text())):
            assert process.poll() is None, "beltline cluster up has ended"
            time.sleep(0.2)
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return casting(beltline, tmp_path_factory.mktemp("casting"))


@pytest.fixture(scope="module")
def direct(project: Project) -> Path:
    return direct_root(project)


def on(address: str) -> tuple[str, ...]:
    return ("--set", "beam.runner=dask", "--set", f"beam.dask.scheduler={address}")


def workers(address: str) -> dict[str, int]:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return client.run(os.getpid)


def submitted_is_imported() -> bool:
    return "beltline.beam_on_dask.graph" in sys.modules


def test_the_scheduler_needs_no_import_before_the_first_task(cluster: str) -> None:
    """Nothing has been submitted yet: this is the first test of the file."""
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        assert client.run_on_scheduler(submitted_is_imported)


def threads_of_tensorflow() -> tuple[str | None, ...]:
    return tuple(os.environ.get(f"TF_NUM_{kind}_THREADS") for kind in ("INTRAOP", "INTEROP"))


def test_tensorflow_has_the_threads_of_its_worker(cluster: str) -> None:
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        assert set(client.run(threads_of_tensorflow).values()) == {("1", "1")}


def test_check_says_what_the_workers_have(cluster: str, project: Project) -> None:
    begun = time.monotonic()
    result = project("check", "local", *on(cluster))
    assert "ok    beam        2 Dask workers on" in result.out, result.text
    assert time.monotonic() - begun < 30


def test_check_finds_that_nobody_answers(project: Project) -> None:
    result = project("check", "local", *on("tcp://127.0.0.1:9"))
    assert result.code == 2
    assert "fail  beam        no Dask scheduler answers at tcp://127.0.0.1:9" in result.out
    assert "`beltline cluster up` starts one" in result.out


def test_the_same_bundle_gives_the_same_results(
    cluster: str, project: Project, direct: Path, tmp_path: Path
) -> None:
    away = Project(project.beltline, project.folder, {ROOT: str(tmp_path / "root")})
    before = set(workers(cluster).values())
    call = away.start("run", *SEEDED, *on(cluster))
    logs = tmp_path / "root" / "logs"
    while not list(logs.glob("*/Transform.log")):
        assert call.process.is_alive(), call.out
        time.sleep(0.05)
    time.sleep(4)
    victim = next(iter(workers(cluster).values()))
    os.kill(victim, signal.SIGKILL)
    result = call.wait()
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(NODES, "done")
    after = set(workers(cluster).values())
    assert victim in before and victim not in after
    bundles = [
        sorted(path.name for path in root.glob("bundles/*")) for root in (direct, logs.parent)
    ]
    assert bundles[0] == bundles[1]
    assert_equal(direct, logs.parent)


@pytest.mark.long
def test_trees_are_trained_by_both_workers(cluster: str, project: Project, tmp_path: Path) -> None:
    together = (*SEEDED, "--set", "model.learners=[trees]", "--set", "training.workers=2")
    away = Project(project.beltline, project.folder, {ROOT: str(tmp_path / "root")})
    result = away("run", *together)
    assert result.code == 2
    assert "training.workers: 2 requires a Dask cluster: set `beam.runner: dask`" in result.err
    result = away("run", *together, *on(cluster), "--to", "Trainer")
    assert result.code == 0, result.text
    [log] = (tmp_path / "root" / "logs").glob("*/Trainer.log")
    assert "2 processes train together, on 127.0.0.1" in log.read_text()
    assert re.search(r"best of \d+ rounds: .* validation 0\.\d+", log.read_text())


@pytest.mark.long
def test_all_learners_are_trained_by_both_workers(
    cluster: str, project: Project, tmp_path: Path
) -> None:
    away = Project(project.beltline, project.folder, {ROOT: str(tmp_path / "root")})
    learners = "model.learners=[network,trees,extra_trees]"
    together = (*SEEDED, "--set", learners, "--set", "training.workers=2")
    # The tables stay here: what is asked is where the training is.
    nodes = json.dumps({**dict.fromkeys(["StatisticsGen", "Transform"], "direct")})
    result = away("run", *together, *on(cluster), "--set", f"beam.nodes={nodes}")
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(NODES, "done")
    assert [path.name for path in (tmp_path / "root").glob("served/*/*") if path.is_dir()] == ["1"]
    [log] = (tmp_path / "root" / "logs").glob("*/Trainer.log")
    text = log.read_text()
    assert "2 processes train together, on 127.0.0.1" in text
    assert re.search(r"best of 2 epochs: epoch \d, validation loss 0\.\d+", text)
    assert re.search(r"network 0\.\d+, weight [01]\.\d+; together 0\.\d+", text)


def test_an_error_in_the_data_is_that_of_one_process(
    cluster: str, project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.folder, tmp_path / "bad", ignore=shutil.ignore_patterns(".beltline"))
    file = tmp_path / "bad" / "casting.csv"
    file.write_text(file.read_text().replace("\n", '\n"unclosed\n', 1))
    told = []
    for arguments in ((), on(cluster)):
        bad = Project(project.beltline, tmp_path / "bad")
        result = bad("run", *SEEDED, *arguments)
        told.append((result.code, re.sub(r"(?m)^  log: .*$|[0-9]+\.[0-9] s", "", result.err)))
    assert told[0] == told[1]
    assert "casting.csv" in told[0][1]


@pytest.mark.long
def test_a_cluster_that_is_gone_fails_the_node_and_a_rerun_resumes(
    cluster: str, project: Project, direct: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    nobody = {"runner": "dask", "dask": {"scheduler": "tcp://127.0.0.1:9"}}
    away = Project(project.beltline, project.folder, {ROOT: str(root), BEAM: json.dumps(nobody)})
    result = away("run", *SEEDED, "--to", "StatisticsGen")
    assert result.code == 1
    assert "ExampleGen failed" in result.err
    assert "no Dask scheduler answers at tcp://127.0.0.1:9: start the cluster" in result.err
    away.env.pop(BEAM)
    result = away("run", *SEEDED, *on(cluster), "--to", "StatisticsGen")
    assert result.code == 0, result.text
    assert_same("StatisticsGen", direct, root)
    # Where it ran is not what it is cached by.
    here = states(away("run", *SEEDED, "--to", "StatisticsGen"))
    assert (here["ExampleGen"], here["StatisticsGen"]) == ("cached", "cached")
