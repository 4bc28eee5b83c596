"""Servers from their start to their end, as processes of their own."""

import asyncio
import gzip
import logging
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from beltline.base.errors import WrongInput
from beltline.serving.current_request import CurrentRequest, set_current_request
from beltline.serving.server import _set_up_logs, token
from tests.serving import running
from tests.serving.rest.test_predict import ROW, refused


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A version folder with the small model."""
    folder = tmp_path_factory.mktemp("small") / "line"
    running.small_model(folder / "1")
    return folder


def test_the_log_shows_what_a_terminal_would_obey_escaped(capsys):
    _set_up_logs()
    log = logging.getLogger("beltline.serving")
    try:
        log.error("a request: %s", "\x1b[2J\u202e", exc_info=ValueError("\x1b]0;x\x07"))
    finally:
        log.handlers = []
    said = capsys.readouterr().out
    assert "a request: \\x1b[2J\\u202e\nValueError: \\x1b]0;x\\x07\n" in said


def test_an_error_in_the_log_has_the_id_of_its_request(capsys):
    _set_up_logs()
    log = logging.getLogger("beltline.serving")

    async def fail(request):
        set_current_request(request)
        log.error("a request failed", exc_info=ValueError("why"))

    async def both():
        await asyncio.gather(*map(fail, [CurrentRequest("r1", ""), CurrentRequest("r2", "", "7f")]))

    try:
        asyncio.run(both())
        log.info("now serving version 3")
    finally:
        log.handlers = []
    said = capsys.readouterr().out
    assert "a request failed (request r1)\nValueError: why\n" in said
    assert "a request failed (request r2, trace 7f)\nValueError: why\n" in said
    assert said.endswith("now serving version 3\n")


def test_a_token_that_is_set_and_empty_is_refused(monkeypatch):
    monkeypatch.delenv("BELTLINE_SERVE_TOKEN", raising=False)
    assert token() == ""
    monkeypatch.setenv("BELTLINE_SERVE_TOKEN", "s3cret")
    assert token() == "s3cret"
    for empty in ("", " ", "\n"):
        monkeypatch.setenv("BELTLINE_SERVE_TOKEN", empty)
        with pytest.raises(WrongInput, match="BELTLINE_SERVE_TOKEN is empty"):
            token()


@pytest.mark.slow
def test_the_program_reports_invalid_input(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [
            sys.executable,
            "-m",
            "beltline.serving",
            "--name",
            "line",
            "--folder",
            str(tmp_path),
        ]
        words += ["--port", str(taken.getsockname()[1])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("beltline: 127.0.0.1:")


@pytest.mark.slow
def test_it_waits_for_the_first_version(small, tmp_path):
    folder = tmp_path / "line"
    with running.server(folder, tmp_path / "log", "--poll-seconds", "0.1") as server:
        assert server.look("/healthz").status_code == 200
        assert "no version has been pushed yet" in refused(server.look("/readyz"), 503)
        assert server.look("/openapi.json").json()["openapi"] == "3.1.0"
        answer = server.ask({"instances": [ROW]})
        assert refused(answer, 404) == "Servable not found for request: Latest(line)"
        refused(server.look("/v1/models/line"), 404)
        assert f"waiting for the first version in {folder}" in server.log.read_text()
        running.copy_version(small / "1", folder / "1")
        server.wait_until_ready()
        assert server.ask({"instances": [ROW]}).json()["version"] == "1"
        running.copy_version(small / "1", folder / "2")
        end = time.monotonic() + 10
        while server.ask({"instances": [ROW]}).json()["version"] != "2":
            assert time.monotonic() < end
            time.sleep(0.1)
        previous = server.ask({"instances": [ROW]}, "/labels/previous:predict")
        assert previous.json()["version"] == "1"
        states = server.look("/v1/models/line").json()["model_version_status"]
        assert [each["version"] for each in states] == ["2", "1"]
        running.copy_version(small / "1", folder / "3", broken=True)
        while len(server.look("/v1/models/line").json()["model_version_status"]) < 3:
            assert time.monotonic() < end
            time.sleep(0.1)
        status = server.look("/v1/models/line/versions/3").json()["model_version_status"][0]
        assert status["status"]["error_code"] == "UNKNOWN"
        assert server.ask({"instances": [ROW]}).json()["version"] == "2"


@pytest.mark.slow
def test_a_token(small, tmp_path):
    token = "s3cret-é"  # noqa: S105 # of nothing
    with running.server(small, tmp_path / "log", BELTLINE_SERVE_TOKEN=token) as server:
        server.wait_until_ready()
        for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
            assert server.look(path).status_code == 200
        right = {"Authorization": f"Bearer {token}".encode()}
        for path in (
            "/v1/models/line",
            "/v2/models/line",
            "/v2/models/line/ready",
            "/metrics",
            "/docs",
            "/x",
        ):
            for given in (
                {},
                {"Authorization": "Bearer"},
                {"Authorization": "Bearer x"},
                {"Authorization": token.encode()},
                {"Authorization": f"Basic {token}".encode()},
                {"Authorization": f"Bearer {token}x".encode()},
            ):
                answer = server.look(path, headers=given)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "Bearer TOKEN" in refused(answer, 401)
            assert server.look(path, headers=right).status_code in (200, 404)
        refused(server.ask({"instances": [ROW]}), 401)
        refused(server.infer({"inputs": []}), 401)
        assert server.ask({"instances": [ROW]}, headers=right).status_code == 200
        assert server.look("/openapi.json", headers=right).json()["security"] == [{"token": []}]
        assert token not in server.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_requests_in_flight_are_answered_before_the_server_stops(small, tmp_path, number, code):
    with running.server(small, tmp_path / "log") as server:
        server.wait_until_ready()
        idle = server.connect()
        found = []
        slow = {"signature_name": "slow", "instances": [1.5]}
        asking = threading.Thread(target=lambda: found.append(server.ask(slow)))
        asking.start()
        time.sleep(0.5)
        assert server.stop(number) == code
        asking.join()
        assert [answer.status_code for answer in found] == [200]
        assert idle.recv(10) == b""
        assert "finishing the requests in flight" in server.log.read_text()


@pytest.mark.slow
def test_requests_are_sampled(small, tmp_path):
    samples = tmp_path / "requests"
    options = ["--requests", str(samples), "--key", "part"]
    with running.server(small, tmp_path / "log", *options) as server:
        server.wait_until_ready()
        end = time.monotonic() + 60
        line = "beltline_sampled_rows_total"
        while line not in server.look("/metrics").text:
            assert time.monotonic() < end
            time.sleep(0.2)
        for _ in range(3):
            assert server.ask({"instances": [ROW | {"part": "p1"}, ROW]}).status_code == 200
        # Only what the model reads from the data is sampled.
        single = {"signature_name": "single", "instances": [1.0]}
        assert server.ask(single).status_code == 200
        assert server.stop() == 0
    rows = [row for file in samples.glob("Split-v1/*.gz") for row in records(file)]
    assert len(rows) == 6
    assert all(b"die temp" in row for row in rows)
    assert sum(b"p1" in row for row in rows) == 3


def records(file):
    """The records of a packed TFRecord file: each has its length before it, and two checksums."""
    content, place = gzip.decompress(file.read_bytes()), 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        yield content[place + 12 : place + 12 + length]
        place += length + 16


def test_a_library_that_samples_need_and_that_is_broken_is_reported(tmp_path):
    (tmp_path / "pyarrow.py").write_text("raise ImportError('no such library')")
    log = tmp_path / "log"
    options = ("--requests", str(tmp_path / "requests"), "--sample-rate", "1")
    with running.server(tmp_path / "served", log, *options, PYTHONPATH=str(tmp_path)):
        end = time.monotonic() + 60
        while "no such library" not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        assert "sampling failed to start; requests are not sampled" in log.read_text()
