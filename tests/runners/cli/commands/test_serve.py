import os
import signal
import socket
import time

import pytest
import requests
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.base.settings.monitoring import Monitoring
from beltline.base.settings.serving import ServingLimits
from beltline.runners.cli.commands.serve import serve, serve_options
from beltline.runners.cli.options import open_project
from beltline.serving.options import Options
from tests.runners.projects import project

SETTINGS = """\
serving: {port: 9000, grpc_port: 9001, max_request_mb: 2, max_rows: 5, timeout_seconds: 1.5,
  batch_rows: 6, queue_rows: 7}
monitoring: {directory: seen, sample_rate: 0.5, without: [name], sample_mb: 9, key: part}
push: {directory: out}
"""


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BELTLINE_ROOT", str(tmp_path / "root"))
    monkeypatch.delenv("BELTLINE_SERVE_TOKEN", raising=False)
    return tmp_path / "root"


def options(folder, *, more="", **how):
    file = project(folder)
    file.write_text(file.read_text() + more)
    return serve_options(*open_project(file), **({"host": "127.0.0.1", "port": None} | how))


def test_without_settings_the_servers_own_defaults_hold(tmp_path, root):
    assert options(tmp_path) == Options(
        name="line",
        folder=root / "served" / "line",
        requests=root / "requests" / "line",
        sampling=Monitoring(),
    )


def test_the_settings(tmp_path, root, monkeypatch):
    monkeypatch.setenv("BELTLINE_SERVE_TOKEN", "secret")
    assert options(tmp_path, more=SETTINGS) == Options(
        name="line",
        folder=root / "out" / "line",
        token="secret",  # noqa: S106 # of nothing
        requests=root / "seen" / "line",
        limits=ServingLimits(
            port=9000,
            grpc_port=9001,
            max_request_mb=2,
            max_rows=5,
            timeout_seconds=1.5,
            batch_rows=6,
            queue_rows=7,
        ),
        sampling=Monitoring(
            directory="seen", sample_rate=0.5, without=["name"], sample_mb=9, key="part"
        ),
    )


def test_host_and_port_go_before_the_settings(tmp_path):
    found = options(tmp_path, more=SETTINGS, host="::1", port=0, grpc_port=1)
    assert (found.host, found.limits.port, found.limits.grpc_port) == ("::1", 0, 1)


def test_no_samples(tmp_path):
    assert options(tmp_path, more="monitoring: {sample_rate: 0}\n").requests is None


def test_a_port_in_use_is_a_mistake_of_the_command(tmp_path):
    for option in ("--port", "--grpc-port"):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            words = ["-f", str(project(tmp_path)), "--port", "0"]
            result = CliRunner().invoke(serve, [*words, option, str(taken.getsockname()[1])])
        assert isinstance(result.exception, WrongInput)
        assert f"choose another with `{option}`" in str(result.exception)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_server_before_the_first_push(tmp_path, beltline, number, code):
    project(tmp_path)
    call = beltline.start("serve", "--port", "0", "--set", "monitoring.sample_rate=0", cwd=tmp_path)
    try:
        end = time.monotonic() + 60
        while "waiting for the first version" not in call.out:
            assert time.monotonic() < end
            assert call.process.is_alive(), call.wait().text
            time.sleep(0.1)
        address = call.out.split()[1].partition("/v1/")[0]
        assert requests.get(f"{address}/healthz", timeout=20).status_code == 200
        assert requests.get(f"{address}/readyz", timeout=20).status_code == 503
    finally:
        os.kill(call.process.pid, number)
        result = call.wait(30)
    assert result.code == code
