"""Processes on two real workers of Dask."""

import io
import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Dask
from beltline.beam_on_dask.runner import ClusterLost
from beltline.runners.training import group as module
from beltline.runners.training.group import Group, processes
from tests.beam_on_dask.dask_processes import Cluster
from tests.certificates import certificates

# Workers import Beam.
pytestmark = pytest.mark.slow
SOURCE = """
import os, time

class Job:
    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    def told(self):
        return self.rank, self.size, os.getpid()

    def of_one(self):
        if self.rank:
            raise ValueError("no row")
        time.sleep(600)

    def long(self):
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("of_a_bundle.py", SOURCE)
    (tmp_path / "code.zip").write_bytes(buffer.getvalue())
    return tmp_path / "code.zip"


def started(
    cluster: Cluster, code: Path, number: int = 2, **files: str
) -> AbstractContextManager[Group]:
    """Processes; `files` are a `tls://` cluster's."""
    dask = Dask(scheduler=cluster.address, **files)
    return processes(dask, code, str(code.parent), number, "of_a_bundle.Job")


def are_gone(pids: list[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_cluster_with_certificates(tmp_path: Path, code: Path) -> None:
    made = certificates(tmp_path)
    cluster = Cluster(tmp_path, workers=1, certificates=made)
    names = {"ca": "ca.pem", "certificate": "server.pem", "key": "server.key"}
    files = {key: str(made / name) for key, name in names.items()}
    try:
        assert cluster.address.startswith("tls://")
        with started(cluster, code, 1, **files) as group:
            assert [each[:2] for each in group.call("told")] == [(0, 1)]
    finally:
        cluster.close()


def test_each_worker_has_a_process_which_ends_with_the_block(cluster: Cluster, code: Path) -> None:
    with started(cluster, code) as group:
        told = group.call("told")
        assert group.hosts == ["127.0.0.1", "127.0.0.1"]
    assert [each[:2] for each in told] == [(0, 2), (1, 2)]
    assert are_gone([pid for _, _, pid in told])


def test_an_error_in_one_ends_all(cluster: Cluster, code: Path) -> None:
    with (
        pytest.raises(ValueError, match="no row"),
        started(cluster, code) as group,
    ):
        pids = [pid for _, _, pid in group.call("told")]
        group.call("of_one")
    assert are_gone(pids)


def test_a_process_that_is_killed_ends_all(cluster: Cluster, code: Path) -> None:
    with (
        pytest.raises(ClusterLost, match="has lost its process, which was killed by signal 9"),
        started(cluster, code) as group,
    ):
        pids = [pid for _, _, pid in group.call("told")]
        os.kill(pids[0], signal.SIGKILL)
        group.call("long")
    assert are_gone(pids)


def test_a_worker_that_is_frozen_ends_all(
    cluster: Cluster, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    with (
        pytest.raises(ClusterLost, match="a Dask worker does not answer for 2 s, one of tcp://"),
        started(cluster, code) as group,
    ):
        pids = [pid for _, _, pid in group.call("told")]
        monkeypatch.setattr(module, "_SILENCE", 2)
        cluster.workers[0].send_signal(signal.SIGSTOP)
        group.call("long")
    left = [each for each in threading.enumerate() if each not in before and not each.daemon]
    cluster.workers[0].send_signal(signal.SIGCONT)
    assert left == [], "the process could not end"
    assert are_gone(pids)


def test_more_processes_than_workers_are_refused(
    cluster: Cluster, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORKER_SECONDS", 1)
    with (
        pytest.raises(WrongInput) as error,
        processes(Dask(scheduler=cluster.address), code, str(code.parent), 3, "of_a_bundle.Job"),
    ):
        pass
    assert str(error.value) == (
        f"training.workers: 3, but the Dask cluster at {cluster.address} has 2 workers: start "
        "more, or set `training.workers: 2`"
    )


def test_workers_must_see_the_root(cluster: Cluster, code: Path) -> None:
    with (
        pytest.raises(WrongInput, match="doesn't see /no/such: mount the root there"),
        processes(Dask(scheduler=cluster.address), code, "/no/such", 2, "of_a_bundle.Job"),
    ):
        pass
