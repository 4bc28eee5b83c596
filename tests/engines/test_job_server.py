"""The nodes on an engine over real sockets: the same bundle, the same results as in one process.

The engine is Prism, or the one of `BELTLINE_TEST_JOB_SERVER` (`job_server.py`).
"""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beltline.runners.paths import ROOT
from tests.beltline_process import Beltline
from tests.end_to_end.outputs import assert_equal, direct_root
from tests.end_to_end.projects import NODES, SEEDED, Project, casting, states
from tests.engines.job_server import ELSEWHERE, Engine
from tests.engines.job_server import ROOT as SOURCES

pytestmark = [pytest.mark.slow, pytest.mark.beam]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    started = Engine(tmp_path_factory.mktemp("engine"))
    yield started
    assert started.close() == []


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return casting(beltline, tmp_path_factory.mktemp("casting"))


@pytest.fixture(scope="module")
def direct(project: Project) -> Path:
    return direct_root(project)


def elsewhere(project: Project, root: Path) -> Project:
    return Project(project.beltline, project.folder, {ROOT: str(root)})


def test_check_says_what_a_worker_has(engine: Engine, project: Project) -> None:
    begun = time.monotonic()
    result = project("check", "local", *engine.on())
    found = rf"ok    beam        a worker on \S+ by {re.escape(engine.endpoint)}"
    assert re.search(found, result.out), result.text
    assert time.monotonic() - begun < 30


def test_check_finds_that_nobody_answers(engine: Engine, project: Project) -> None:
    nobody = ("--set", "beam.portable.endpoint=127.0.0.1:9")
    result = project("check", "local", *engine.on(), *nobody)
    assert result.code == 2
    assert "fail  beam        no Beam job service answers at 127.0.0.1:9" in result.out


def test_the_same_bundle_gives_the_same_results(
    engine: Engine, project: Project, direct: Path, tmp_path: Path
) -> None:
    result = elsewhere(project, tmp_path)("run", *SEEDED, *engine.on())
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(NODES, "done")
    names = [sorted(path.name for path in root.glob("bundles/*")) for root in (direct, tmp_path)]
    assert names[0] == names[1]
    assert_equal(direct, tmp_path)


def test_one_node_alone_is_sent(engine: Engine, project: Project, tmp_path: Path) -> None:
    before = len(engine.started())
    away = elsewhere(project, tmp_path)
    result = away("run", *SEEDED, *engine.on("StatisticsGen"), "--to", "ExampleGen")
    assert result.code == 0, result.text
    assert len(engine.started()) == before
    result = away("run", *SEEDED, *engine.on("StatisticsGen"), "--to", "StatisticsGen")
    assert result.code == 0, result.text
    assert len(engine.started()) > before


def test_an_error_in_the_data_is_that_of_one_process(
    engine: Engine, project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.folder, tmp_path / "bad", ignore=shutil.ignore_patterns(".beltline"))
    file = tmp_path / "bad" / "casting.csv"
    file.write_text(file.read_text().replace("\n", '\n"unclosed\n', 1))
    told = []
    for arguments in ((), engine.on()):
        bad = Project(project.beltline, tmp_path / "bad")
        result = bad("run", *SEEDED, *arguments)
        told.append((result.code, re.sub(r"(?m)^  log: .*$|[0-9]+\.[0-9] s", "", result.err)))
    assert told[0] == told[1]
    assert "casting.csv" in told[0][1]


@pytest.mark.skipif(bool(ELSEWHERE), reason="what becomes of a killed worker is the engine's")
def test_a_killed_worker_fails_the_node_and_a_rerun_completes(
    engine: Engine, project: Project, tmp_path: Path
) -> None:
    """Prism starts no other worker for a job, but one for the next job."""
    before = len(engine.started())
    away = elsewhere(project, tmp_path)
    call = away.start("run", *SEEDED, *engine.on("StatisticsGen"), "--to", "StatisticsGen")
    while len(engine.started()) == before:
        assert call.process.is_alive(), call.out
        time.sleep(0.02)
    # Until it has said that it is there, Prism waits for it for a minute.
    time.sleep(1)
    os.kill(engine.started()[-1], signal.SIGKILL)
    result = call.wait(120)
    assert result.code == 1, result.text
    assert "StatisticsGen failed: RuntimeError: Pipeline" in result.err
    result = away("run", *SEEDED, *engine.on("StatisticsGen"), "--to", "StatisticsGen")
    assert result.code == 0, result.text


def test_a_pool_with_other_sources_is_refused(project: Project, tmp_path: Path) -> None:
    shutil.copytree(SOURCES / "src" / "beltline", tmp_path / "src" / "beltline")
    (tmp_path / "src" / "beltline" / "base" / "more.py").write_text("MORE = 1\n")
    (tmp_path / "logs").mkdir()
    engine = Engine(tmp_path / "logs", tmp_path / "src")
    away = elsewhere(project, tmp_path / "root")
    result = away("run", *SEEDED, *engine.on(), "--to", "ExampleGen")
    assert result.code == 1
    assert re.search(r"ExampleGen failed: the Beam worker on \S+ differs in Beltline's", result.err)
    assert engine.close() == []
