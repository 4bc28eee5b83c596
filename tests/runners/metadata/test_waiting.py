"""Waiting for ML Metadata: a file in the place of its folder stands for a server that is away."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.metadata.waiting import wait_for_metadata
from beltline.runners.paths import Paths
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
