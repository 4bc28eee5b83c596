"""No request delays the answer to another one by more than 250 ms, whatever it holds."""

import gzip
import json
import threading
import time

import pytest
import requests

from tests.serving import running
from tests.serving.rest.test_json_size import body
from tests.serving.rest.test_predict import ROW

pytestmark = pytest.mark.slow

SECONDS = 0.25
GOOD = json.dumps({"instances": [ROW]}).encode()
COLUMNS = b'{"inputs": {"temp": [%b], "die temp": [%b], "mold": ["a"]}}'
# As much as is allowed, of what takes the longest to parse.
MOST = 15_900_000
OBJECTS = body(b'{"a":1}', 1_660_000)
NUMBERS = b"1.234567890123," * 1_040_000
NAMES = b",".join(b'"%d":1' % number for number in range(131_000))
BODIES = {
    "empty lists": (":predict", body(b"[]", MOST)),
    "objects": (":predict", body(b'{"":{}}', MOST)),
    "names": (":predict", b'{"instances": [{%b}]}' % b",".join([NAMES] * 10)),
    "as many objects as allowed": (":predict", OBJECTS),
    "as many names as allowed": (":predict", b'{"instances": [{%b}]}' % NAMES),
    "a column of numbers": (":predict", COLUMNS % (NUMBERS + b"1", b"1")),
    "a column of numbers and a token": (":predict", COLUMNS % (NUMBERS + b"NaN", b"1")),
    "objects and a token": (":predict", OBJECTS[:-2] + b",NaN]}"),
    "texts and a token": (":predict", body(b'"abcdefghijkl"', MOST)[:-2] + b",NaN]}"),
    "backslashes": (":predict", b'{"instances": ["%b"]}' % (b"\\\\" * 7_900_000)),
    "examples": (":classify", OBJECTS.replace(b"instances", b"examples")),
    "an example of many features": (":classify", b'{"examples": [{%b}]}' % NAMES),
}
PACKED = ("empty lists", "a column of numbers")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with the default limits."""
    folder = tmp_path_factory.mktemp("served")
    running.small_model(folder / "line" / "1")
    samples = ["--requests", str(folder / "requests")]
    with running.server(folder / "line", folder / "log", *samples) as found:
        found.wait_until_ready()
        yield found


class Watch:
    """Asks for health and for a prediction all the time; `worst` is the longest answer."""

    def __init__(self, server: running.Server) -> None:
        self.worst = 0.0
        self._server = server
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[each]) for each in (True, False)]

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        time.sleep(0.2)
        self.worst = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, health: bool) -> None:
        with requests.Session() as session:
            while not self._end.is_set():
                begun = time.monotonic()
                if health:
                    answer = session.get(f"{self._server.address}/healthz", timeout=20)
                else:
                    answer = session.post(f"{self._server.model}:predict", data=GOOD, timeout=20)
                self.worst = max(self.worst, time.monotonic() - begun)
                assert answer.status_code == 200
                time.sleep(0.002)


def worst(server, ask) -> float:
    """The longest answer while `ask` runs; the best of three, since other work goes on here."""
    found = []
    while len(found) < 3 and (not found or min(found) > SECONDS / 2):
        with Watch(server) as watch:
            ask()
            time.sleep(0.3)
        found.append(watch.worst)
    return min(found)


@pytest.mark.parametrize(
    ("name", "packed"), [*((name, False) for name in BODIES), *((name, True) for name in PACKED)]
)
def test_a_large_body_delays_nobody(server, name, packed):
    path, content = BODIES[name]
    assert len(content) < 16 * 2**20
    headers = {"Content-Encoding": "gzip"} if packed else {}
    sent = gzip.compress(content, 1) if packed else content
    answers = []
    found = worst(server, lambda: answers.append(server.ask(sent, path, headers=headers)))
    print(f"{name}: {found * 1000:.0f} ms")
    # The small model takes any feature in an Example.
    assert {answer.status_code for answer in answers} <= {400, 200}, answers[0].text
    assert found < SECONDS


@pytest.mark.parametrize(
    ("datatype", "number", "width"),
    [("INT8", 16_000_000, 1), ("BYTES", 4_000_000, 4), ("BYTES", 2**20, 4), ("FP32", 2**20, 4)],
)
def test_large_binary_data_delay_nobody(server, datatype, number, width):
    """Too many values, and as many as are allowed."""
    columns = number // 10_000
    size = 10_000 * width
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": [10_000],
            "parameters": {"binary_data_size": size},
        }
        for name in ["temp", "die temp", "mold", *map(str, range(columns - 3))]
    ]
    text = json.dumps({"inputs": inputs}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    sent = text + bytes(size * columns)
    assert len(sent) < 16 * 2**20
    answers = []
    found = worst(server, lambda: answers.append(server.infer(sent, headers=headers)))
    print(f"{datatype} {number}: {found * 1000:.0f} ms")
    why = "too many values" if number > 2**20 else "named input: 0"
    assert all(answer.status_code == 400 and why in answer.text for answer in answers)
    assert found < SECONDS


def test_a_large_tensor_in_json_delays_nobody(server):
    tensor = {"name": "temp", "shape": [10_000, 104], "datatype": "INT64", "data": [7] * 1_040_000}
    sent = json.dumps({"inputs": [tensor]}).encode()
    answers = []
    found = worst(server, lambda: answers.append(server.infer(sent)))
    print(f"{found * 1000:.0f} ms")
    assert all("Missing named input" in answer.text for answer in answers)
    assert found < SECONDS


def test_a_large_answer_delays_nobody(server):
    large = json.dumps({"instances": [ROW | {"mold": "x" * 1_000}] * 10_000}).encode()
    found = worst(server, lambda: server.ask(large).raise_for_status())
    print(f"{found * 1000:.0f} ms")
    assert found < SECONDS


def test_readiness_under_load_while_versions_are_loaded(server):
    """As a probe asks: its answer comes within a second."""
    end = threading.Event()
    rows = json.dumps({"instances": [ROW] * 2_000}).encode()

    def ask(content):
        with requests.Session() as session:
            while not end.is_set():
                session.post(f"{server.model}:predict", data=content, timeout=20)

    threads = [threading.Thread(target=ask, args=[each]) for each in [GOOD] * 12 + [rows] * 4]
    for thread in threads:
        thread.start()
    longest = 0.0
    try:
        for number in (2, 3, 4):
            running.copy_version(server.folder / "1", server.folder / str(number))
            ready = ""
            while ready != str(number):
                begun = time.monotonic()
                ready = server.look("/readyz").json()["version"]
                longest = max(longest, time.monotonic() - begun)
                assert longest < 1
    finally:
        end.set()
        for thread in threads:
            thread.join()
    print(f"{longest * 1000:.0f} ms")
