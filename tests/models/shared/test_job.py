"""The network that two workers of a real Dask cluster train."""

import logging
import re
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.beam_on_dask.dask_processes import Cluster
from tests.models.rows import fn_args
from tests.models.shared.training import settings

pytestmark = pytest.mark.slow


def run(folder: Path, log: pytest.LogCaptureFixture, processes: Any, **places: str) -> str:
    """Trains by two processes; returns the log."""
    from beltline.models.training import run_fn

    custom = settings(workers=2, epochs=24, patience=24, checkpoint_minutes=0)
    log.clear()
    with log.at_level(logging.INFO, "beltline.trainer"):
        run_fn(fn_args(folder, custom, processes=processes, **places))
    return log.text


def digest(text: str) -> str:
    [found] = re.findall(r"weights digest (\w{16})", text)
    return str(found)


def test_a_worker_that_is_killed_ends_it_and_a_rerun_reaches_the_same_weights(
    folders: dict[str, Path],
    cluster: Cluster,
    processes: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from beltline.beam_on_dask.runner import ClusterLost

    places = {"working_dir": str(tmp_path / "work"), "serving_model_dir": str(tmp_path / "model")}
    whole = run(folders["binary"], caplog, processes, **places)
    assert (tmp_path / "model" / "saved_model.pb").exists()
    assert not list(tmp_path.glob("work/*")), "checkpoints are left behind"
    killed: list[float] = []

    def kill() -> None:
        while not list(tmp_path.glob("work/*/state.npz")):
            time.sleep(0.01)
        cluster.workers[1].kill()
        killed.append(time.monotonic())

    Thread(target=kill).start()
    with pytest.raises(ClusterLost, match="goes on from its last checkpoint"):
        run(folders["binary"], caplog, processes, **places)
    took = time.monotonic() - killed[0]
    print(f"ended {took:.1f} s after the kill")
    assert took < 60
    cluster.workers.append(cluster.add_worker())
    cluster.wait(2)
    text = run(folders["binary"], caplog, processes, **places)
    assert re.search(r"resuming an interrupted training after epoch \d+\n", text)
    assert digest(text) == digest(whole)
