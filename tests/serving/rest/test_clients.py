"""The default clients of other languages, and a pipeline: every answer is that to its request."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving.rest.test_predict import ROW
from tests.serving.running import received

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parent / "clients"
MOLDS = [f"M{number}" for number in range(6)]
BODIES = [json.dumps({"instances": [ROW | {"mold": mold}]}) for mold in MOLDS]
# A body that would be a request of its own where the client's offer of HTTP/2 is misread.
SMUGGLED = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def answers(words: list[str], **how) -> list[tuple[int, dict]]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, **how)
    assert done.returncode == 0, done.stderr
    found = [line.partition(" ") for line in done.stdout.splitlines()]
    return [(int(status), json.loads(body)) for status, _, body in found]


def check(found: list[tuple[int, dict]]) -> None:
    """Checks the answers to all of BODIES, and to what is no JSON."""
    *rows, last = found
    assert [(status, body["predictions"][0]["class"]) for status, body in rows] == [
        (200, mold) for mold in MOLDS
    ]
    assert last[0] == 400 and "JSON Parse error" in last[1]["error"]


def test_java(server):
    """Its first request offers HTTP/2."""
    source = str(CLIENTS / "Ask.java")
    check(answers([program("java"), source, f"{server.model}:predict", *BODIES, SMUGGLED]))


def test_go(server):
    source = str(CLIENTS / "ask.go")
    check(answers([program("go"), "run", source, f"{server.model}:predict", *BODIES, SMUGGLED]))


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2", "--http1.0"])
def test_curl(server, protocol):
    """The way that the docs show, which sends a form's content type; `--http2` offers HTTP/2."""
    words = [program("curl"), "--silent", "--show-error", protocol, f"{server.model}:predict"]
    done = [
        subprocess.run([*words, "--data-binary", body], capture_output=True, text=True, timeout=60)
        for body in BODIES
    ]
    found = [json.loads(each.stdout)["predictions"][0]["class"] for each in done]
    assert found == MOLDS, done


def test_a_pipeline_of_predictions(server):
    requests = [
        f"POST /v1/models/line:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"{'Connection: close' if body == BODIES[-1] else 'X: y'}\r\n\r\n{body}"
        for body in BODIES
    ]
    with server.connect() as connection:
        connection.sendall("".join(requests).encode())
        parts = received(connection).split(b"HTTP/1.1 200 OK\r\n")[1:]
    found = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts]
    assert [each["predictions"][0]["class"] for each in found] == MOLDS
