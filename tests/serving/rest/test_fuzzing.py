"""Requests made by chance from valid ones, by the ten thousand, at a real server.

Meanwhile somebody else asks for one row all along, and is answered rightly and in time.
"""

import json
import math
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.serving import running
from tests.serving.memory_group import POD_MEGABYTES
from tests.serving.rest.fuzzed_connections import answers, fault, script
from tests.serving.rest.fuzzed_requests import ROW

ROOT = Path(__file__).parents[3]
SECONDS = 0.25
"""What may be added to the time of somebody else's request."""
SCRIPTS = 1_000
"""Connections in a round; each sends three requests on average."""
GOOD = {"instances": [ROW]}
ANSWER = 1 / (1 + math.exp(0.5))
REPEAT = "python -m tests.serving.rest.fuzzed_connections ADDRESS {0} {1}"


class Neighbour:
    """Somebody who asks for one row all along; `times` are the seconds of the answers."""

    def __init__(self, server: running.Server) -> None:
        self.times: list[float] = []
        self.wrong: list[str] = []
        self._server = server
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._end.wait(0.005):
                begun = time.monotonic()
                answer = session.post(f"{self._server.model}:predict", json=GOOD, timeout=20)
                self.times.append(time.monotonic() - begun)
                if not is_right(answer):
                    self.wrong.append(answer.text)


def is_right(answer: requests.Response) -> bool:
    if answer.status_code != 200:
        return False
    [row] = answer.json()["predictions"]
    return bool(row["class"] == "M1" and row["probability"] == pytest.approx(ANSWER, rel=1e-6))


class Round:
    """A thousand connections, two processes of them, beside a neighbour."""

    def __init__(self, server: running.Server, first: int, last: int) -> None:
        with Neighbour(server) as neighbour:
            half = (first + last) // 2
            parts = [self._start(server, *each) for each in ((first, half), (half, last))]
            found = [json.loads(each.communicate(timeout=500)[0]) for each in parts]
        self.worst = max(neighbour.times)
        self.wrong = neighbour.wrong
        self.requests = sum(each["requests"] for each in found)
        self.faults = [tuple(fault) for each in found for fault in each["faults"]]
        self.statuses: Counter[str] = Counter()
        for each in found:
            self.statuses.update(each["statuses"])

    @staticmethod
    def _start(server: running.Server, first: int, last: int) -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "tests.serving.rest.fuzzed_connections"]
        words += [server.address, str(first), str(last)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture
def fuzzed_server(tmp_path):
    """A server with the default limits, but for the time that a request may take to arrive."""
    running.small_model(tmp_path / "line" / "1")
    options = ["--requests", str(tmp_path / "requests"), "--timeout-seconds", "3"]
    with running.server(tmp_path / "line", tmp_path / "log", *options) as found:
        found.wait_until_ready()
        yield found


def fuzz(server, first, most):
    """Plays rounds from a script on, until `most` requests are sent; each must leave all well."""
    with Neighbour(server) as quiet:
        time.sleep(3)
    usual = sorted(quiet.times)[len(quiet.times) // 2]
    print(f"quiet: {usual * 1000:.1f} ms, {max(quiet.times) * 1000:.0f} ms at most")
    sent, statuses, added = 0, Counter(), []
    while sent < most:
        count = min(SCRIPTS, max(10, (most - sent) // 3))
        tried = []
        # A delay of the server's comes again with the same requests, one of the machine's doesn't.
        while not tried or (tried[-1].worst - usual > SECONDS and len(tried) < 3):
            tried.append(Round(server, first, first + count))
            done = tried[-1]
            assert not done.faults, "\n".join(
                f"{why}\n  {REPEAT.format(number, number + 1)}" for number, why in done.faults[:9]
            )
            assert not done.wrong
            assert server.process.poll() is None, server.log.read_text()
            assert is_right(server.ask(GOOD))
            sent += done.requests
            statuses += done.statuses
        added.append(min(each.worst for each in tried) - usual)
        times = ", ".join(f"{(each.worst - usual) * 1000:.0f}" for each in tried)
        print(f"{sent} requests up to script {first + count}: {times} ms added")
        assert added[-1] < SECONDS, f"scripts {first} to {first + count}"
        first += count
    resident = server.memory("VmHWM")
    print(f"{sent} requests, {dict(statuses)}, {max(added) * 1000:.0f} ms, {resident:.0f} MiB")
    said = server.log.read_text()
    assert "Traceback" not in said, said
    assert resident < POD_MEGABYTES
    # Neither refused at the door nor all of them valid.
    assert statuses["200"] > sent / 10 < statuses["400"]


@pytest.mark.slow
def test_a_thousand_fuzzed_requests(fuzzed_server):
    fuzz(fuzzed_server, first=0, most=1_000)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_fuzzed_requests(fuzzed_server, pytestconfig):
    """The option `--hypothesis-seed` chooses other requests."""
    seed = pytestconfig.getoption("--hypothesis-seed") or 1
    fuzz(fuzzed_server, first=int(seed) * 10**6, most=100_000)


def test_a_script_is_made_from_its_number_alone():
    assert script(7) == script(7) != script(8)


def test_faults_are_told_from_answers():
    head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%b\r\n"
    body = b'{"error":"why"}'
    meant = [(200, b""), (400, b""), (503, b"retry-after: 1\r\n"), (504, b"")]
    got = b"".join(head % (status, len(body), more) + body for status, more in meant)
    assert [(status, fault(status, *rest)) for status, *rest in answers(got)] == [
        (status, "") for status, _ in meant
    ]
    # Without a body, as HEAD is answered; and one that is not all there yet.
    assert [
        each[0] for each in answers(head % (200, 9, b"") + got + head % (200, 9, b"") + b"x")
    ] == [200, 200, 400, 503, 504]
    for status in (500, 502, 503):
        [found] = answers(head % (status, len(body), b"") + body)
        assert fault(*found)
    assert fault(400, b"", b'{"error":""}')
    with pytest.raises(ValueError, match="no response"):
        list(answers(b"Traceback\r\n"))
