"""Invalid options of `beltline cluster up`; that it starts is in test_dask.py."""

import os
import signal
import socket
import time

import pytest

from beltline.base.errors import WrongInput

pytestmark = pytest.mark.slow  # Dask takes seconds to import.


def test_a_port_that_is_taken():
    from beltline.runners.beam.cluster import local_cluster

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(WrongInput, match=f"--port: {port} can't be listened on"),
            local_cluster(1, port),
        ):
            pass


def test_memory_that_is_no_size():
    from beltline.runners.beam.cluster import local_cluster

    with (
        pytest.raises(WrongInput, match="--memory: invalid value 'much': must be a size, as 4GiB"),
        local_cluster(1, 0, "much"),
    ):
        pass


SLOW = """
import time
from pathlib import Path

seen = Path(__file__).with_suffix(".seen")
if seen.exists():
    time.sleep(17)
seen.touch()
"""


def test_a_killed_worker_is_started_again_however_long_that_takes(tmp_path, monkeypatch):
    from distributed import Client

    from beltline.runners.beam import cluster

    # After 15 seconds Dask would give it up.
    (tmp_path / "slow_preload.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cluster, "PRELOAD", "slow_preload")
    with cluster.local_cluster(1, 0) as made, Client(made, set_as_default=False) as client:
        [first] = client.run(os.getpid).values()
        os.kill(first, signal.SIGKILL)
        until = time.monotonic() + 60
        pids = [first]
        while pids in ([], [first]) and time.monotonic() < until:
            time.sleep(0.5)
            pids = list(client.run(os.getpid, on_error="ignore").values())
        assert len(pids) == 1 and pids != [first]
