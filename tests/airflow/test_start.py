"""`deploy/airflow/start.sh`, which is what `make airflow` calls, with its own defaults: SQLite."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.airflow_process import PYTHON, Airflow

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Airflow]:
    """An Airflow that has not been started."""
    if not PYTHON.exists():
        pytest.skip("there is no .venv-airflow (make setup-airflow)")
    airflow = Airflow(tmp_path)
    yield airflow
    airflow.stop()


def start(site: Airflow) -> psutil.Popen:
    """Starts everything, and returns when it says that it is up."""
    output = site.folder / "output"
    process, began = site.everything(output), time.monotonic()
    while "Ctrl-C ends it." not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() - began < 180, output.read_text()
        time.sleep(0.2)
    print(f"up after {time.monotonic() - began:.1f} s")
    return process


def test_it_starts_on_this_machine_alone_and_ends_with_ctrl_c(site: Airflow) -> None:
    process = start(site)
    said = (site.folder / "output").read_text()
    password = site.home / "passwords.json"
    assert f"http://127.0.0.1:{site.port}" in said and str(password) in said
    assert not password.stat().st_mode & 0o077
    assert site.rest.healthy()
    assert site.rest.slots("gpu") == 1
    started = process.children(recursive=True)
    connections = [each for child in started for each in child.net_connections()]
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}

    again = site.call()
    assert again.returncode == 2 and f"Port {site.port} is taken" in again.stderr

    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    _, left = psutil.wait_procs(started, timeout=5)
    assert not left


@pytest.mark.long
def test_a_component_that_ends_is_named_and_ends_the_others(site: Airflow) -> None:
    process = start(site)
    started = process.children(recursive=True)
    [doomed] = [each for each in started if each.cmdline()[-1] == "dag-processor"]
    doomed.kill()
    assert process.wait(60) == 1
    assert "Airflow's dag-processor ended with -9" in (site.folder / "output").read_text()
    _, left = psutil.wait_procs(started, timeout=5)
    assert not left


def test_a_database_that_can_not_be_reached_is_said(tmp_path: Path) -> None:
    unreachable = "postgresql+psycopg2://me:secret@127.0.0.1:1/airflow"
    site = Airflow(tmp_path, {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": unreachable})
    refused = site.call()
    assert refused.returncode == 2
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in refused.stderr
    assert "Connection refused" in refused.stderr and "secret" not in refused.stderr
