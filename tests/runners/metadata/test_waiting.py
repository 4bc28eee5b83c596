"""Waiting for ML Metadata: a file in the place of its folder stands for a server that is away."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.bundle import folder
from beltline.bundle.folder import open_bundle
from beltline.runners.kubeflow.pod import report
from beltline.runners.local.capacity import Capacity
from beltline.runners.local.runner import RunRequest
from beltline.runners.metadata import reconcile
from beltline.runners.metadata.waiting import wait_for_metadata
from beltline.runners.paths import Paths
from beltline.runners.pods import task
from beltline.runners.pods.log_line import results
from beltline.runners.pods.task import Attempts
from beltline.runners.result import RunResult
from tests.bundle.bundles import manifest
from tests.databases import Server


def paths(root: Path, url: str) -> Paths:
    return Paths(root, url, root / "data")


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """The folder of a database that can't be opened yet."""
    folder = tmp_path / "away"
    folder.write_text("no folder")
    return folder


def test_what_comes_back_in_time_is_waited_for(
    tmp_path: Path, away: Path, caplog: pytest.LogCaptureFixture
) -> None:
    threading.Timer(1.5, away.unlink).start()
    with caplog.at_level(logging.WARNING):
        wait_for_metadata(paths(tmp_path, f"sqlite:///{away}/metadata.sqlite"), "line", 30)
    assert (away / "metadata.sqlite").exists()
    # Once, however often it is tried.
    [record] = caplog.records
    assert "can't be opened" in record.message and "30 s" in record.message


@pytest.fixture
def returning(tmp_path: Path, away: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a bundle whose database comes back after a second."""
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path))
    monkeypatch.setenv("BELTLINE_METADATA", f"sqlite:///{away}/metadata.sqlite")
    threading.Timer(1, away.unlink).start()
    return folder.write(tmp_path / "bundles", manifest(), b"pipeline", b"code").path


def test_the_report_of_a_run_waits(returning: Path) -> None:
    done = CliRunner().invoke(report.main, ["--bundle", str(returning), "--run", "r"])
    found = RunResult.from_line(next(results(done.stdout)))
    # It was there, and knows no node of that run.
    assert (found.node, done.exit_code) == ("ExampleGen", 1), done.output


def test_what_reconciles_a_run_waits(returning: Path) -> None:
    words = ["--bundle", str(returning), "--run", "r", "--reason", "killed"]
    done = CliRunner().invoke(reconcile.main, words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(("attempts", "waits"), [(Attempts(0, 1), True), (None, False)])
def test_the_task_of_a_group_waits_unless_its_caller_retries(
    returning: Path, monkeypatch: pytest.MonkeyPatch, attempts: Attempts | None, waits: bool
) -> None:
    monkeypatch.setattr(task, "run_nodes", lambda *_: [])
    request = RunRequest("r", [], Capacity.of_machine())
    given = (open_bundle(returning), Paths.from_environment(), request, attempts)
    if waits:
        assert task.run_group(*given) == 0
    else:
        with pytest.raises(WrongInput, match="can't be opened"):
            task.run_group(*given)


def test_what_does_not_come_back_is_an_error_after_that_time(tmp_path: Path, away: Path) -> None:
    began = time.monotonic()
    with pytest.raises(WrongInput, match="can't be opened"):
        wait_for_metadata(paths(tmp_path, f"sqlite:///{away}/metadata.sqlite"), "line", 1)
    assert 1 <= time.monotonic() - began < 10


@pytest.fixture
def restarting(postgresql: Server) -> Iterator[str]:
    """A database whose server has just been stopped, and comes back in two seconds."""
    url = postgresql.database()
    postgresql.stop()
    timer = threading.Timer(2, postgresql.start)
    timer.start()
    yield url
    timer.join()


@pytest.mark.slow
def test_a_server_that_restarts_is_waited_for(tmp_path: Path, restarting: str) -> None:
    wait_for_metadata(paths(tmp_path, restarting), "line", 60)
