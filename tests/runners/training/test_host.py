"""A process of a training, and what a Dask worker does for it; without a cluster."""

import asyncio
import io
import os
import signal
import time
import types
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from beltline.runners.training import host

NAME = "one"
SOURCE = """
import ctypes, os

class Job:
    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    def told(self, word):
        return word, self.rank, self.size, os.environ["OMP_NUM_THREADS"], os.getpid()

    def wrong(self):
        raise ValueError("no row in März")

    def native(self):
        ctypes.CDLL(None).sleep(600)
"""


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("of_a_bundle.py", SOURCE)
    worker = types.SimpleNamespace(address="b", state=types.SimpleNamespace(nthreads=3))
    host.start(NAME, buffer.getvalue(), "of_a_bundle.Job", {"a": 0, "b": 1}, worker)
    yield
    host.stop(NAME)


def call(method: str, *arguments: Any) -> host.State:
    host.send(NAME, method, arguments)
    return state()


def state(seconds: float = 20) -> host.State:
    until = time.monotonic() + seconds
    while (found := asyncio.run(host.poll(NAME)))[0] == "running" and time.monotonic() < until:
        pass
    return found if found[0] != "done" else host.take(NAME)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_has_an_object_of_the_bundles_code_with_its_rank() -> None:
    assert call("told", "ü")[1][:4] == ("ü", 1, 2, "3")
    state, (kind, text, trace) = call("wrong")
    assert (state, kind, text) == ("failed", "ValueError", "no row in März")
    assert "of_a_bundle.py" in trace
    assert call("told", 2)[0] == "done", "it goes on after an error"


def test_a_poll_waits_a_while_and_no_longer() -> None:
    call("told", 1)
    host.send(NAME, "native", ())
    begun = time.monotonic()
    assert asyncio.run(host.poll(NAME)) == ("running", None)
    assert 0.5 < time.monotonic() - begun < 5


def test_one_that_is_killed_has_ended() -> None:
    pid = call("told", 1)[1][4]
    host.send(NAME, "native", ())
    os.kill(pid, signal.SIGKILL)
    assert state() == ("ended", -signal.SIGKILL)
    assert host.send(NAME, "told", (1,)) == ("ended", -signal.SIGKILL)


def test_stop_ends_one_that_waits_in_native_code() -> None:
    pid = call("told", 1)[1][4]
    host.send(NAME, "native", ())
    host.stop(NAME)
    until = time.monotonic() + 10
    while is_there(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_there(pid)
    assert state() == host.UNKNOWN == host.send(NAME, "told", (1,)) == host.take(NAME)


def test_one_whose_worker_is_gone_ends_even_in_native_code() -> None:
    pid = call("told", 1)[1][4]
    host.send(NAME, "native", ())
    # As the system does when a worker dies.
    host._processes[NAME]._connection.close()
    until = time.monotonic() + 10
    while state(0)[0] != "ended" and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_there(pid)


def test_one_that_nobody_asks_about_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    pid = call("told", 1)[1][4]
    monkeypatch.setattr(host, "SILENCE", 0.1)
    until = time.monotonic() + 10
    while is_there(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_there(pid)
