import json
import os
import time
from dataclasses import replace

import pytest

from beltline.base.errors import WrongInput
from beltline.serving.rest import access_log
from beltline.serving.rest.access_log import MOST_TEXT, AccessLine, AccessLog

LINE = AccessLine(
    time=1_700_000_000.1239,
    request_id="r1",
    client="192.0.2.1",
    method="POST",
    path=b"/v1/models/line:predict",
    status=200,
    seconds=0.00123456789,
    request_bytes=56,
    response_bytes=70,
    version=3,
    rows=2,
    user_agent=b"curl/8",
    trace_id=None,
)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def waited_for(file, number):
    end = time.monotonic() + 10
    while not file.exists() or len(file.read_text().splitlines()) < number:
        assert time.monotonic() < end
        time.sleep(0.02)
    return lines(file)


def test_a_line(tmp_path):
    log = AccessLog(str(tmp_path / "log"))
    log.add(LINE)
    log.close()
    assert lines(tmp_path / "log") == [
        {
            "time": "2023-11-14T22:13:20.123Z",
            "request_id": "r1",
            "client": "192.0.2.1",
            "method": "POST",
            "path": "/v1/models/line:predict",
            "status": 200,
            "seconds": 0.001235,
            "request_bytes": 56,
            "response_bytes": 70,
            "version": 3,
            "rows": 2,
            "user_agent": "curl/8",
            "trace_id": None,
        }
    ]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"\x1b[2J", "\\x1b[2J"),
        ("\u202eevil".encode(), "\\u202eevil"),
        ("Ünï".encode(), "Ünï"),
        (b"\xff", "\\xff"),
        # A line break is JSON's own escape.
        (b"\r\n{}", "\\r\n{}"),
        (b"\x7f\xc2\x9b", "\\x7f\\x9b"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text, shown):
    found = replace(LINE, path=text, user_agent=text).encoded()
    assert found.count(b"\n") == 1
    decoded = json.loads(found)
    assert (decoded["path"], decoded["user_agent"]) == (shown, shown)


def test_a_line_is_never_longer_than_what_a_pipe_takes_at_once():
    longest = b"\x1b" * (MOST_TEXT + 1)
    found = replace(LINE, request_id="x" * 128, path=longest, user_agent=longest).encoded()
    assert len(found) < 4096
    assert json.loads(found)["path"].endswith("…")


def test_lines_are_appended_and_a_renamed_file_is_created_anew(tmp_path):
    file = tmp_path / "log"
    file.write_text('{"before": 1}\n')
    log = AccessLog(str(file))
    log.add(LINE)
    assert len(waited_for(file, 2)) == 2
    file.rename(tmp_path / "log.1")
    log.add(replace(LINE, request_id="r2"))
    assert [each["request_id"] for each in waited_for(file, 1)] == ["r2"]
    log.close()
    assert len(lines(tmp_path / "log.1")) == 2


def test_a_reader_that_stops_costs_lines_and_no_request(tmp_path, monkeypatch):
    """A pipe that nobody reads."""
    monkeypatch.setattr(access_log, "MOST_WAITING", 500)
    monkeypatch.setattr(access_log, "_CLOSE_SECONDS", 0.1)
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log = AccessLog(str(fifo))
    begun = time.monotonic()
    while log.dropped < 100:
        log.add(LINE)
        assert time.monotonic() - begun < 10
    begun = time.monotonic()
    for _ in range(1_000):
        log.add(LINE)
    assert time.monotonic() - begun < 0.25
    assert log.dropped >= 1_000
    log.close()
    # The thread, which waits for the reader, ends with the pipe.
    os.close(reader)


def test_a_full_disk_costs_lines_and_a_warning(caplog):
    caplog.set_level("WARNING", "beltline.serving")
    log = AccessLog("/dev/full")
    for _ in range(20):
        log.add(LINE)
    log.close()
    assert log.dropped == 20
    assert caplog.messages == ["lines of the access log were dropped, 20 so far"]


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(WrongInput, match=r"serving.access_log: .*/no/log: No such file"):
        AccessLog(str(tmp_path / "no" / "log"))
