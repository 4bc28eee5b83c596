"""Requests that are wrong on purpose, against a real server: a reason, never a fault of ours."""

import json
import random
import select
import threading
import time

import pytest
import requests

from tests.serving.rest.test_predict import ROW, refused
from tests.serving.running import received

pytestmark = pytest.mark.slow

GOOD = json.dumps({"instances": [ROW]}).encode()
MATRIX = b'{"signature_name": "matrix", "instances": %b}'
MIB = 2**20
# Bytes of the headers or trailers of a request.
LIMIT = 2**16


@pytest.fixture(autouse=True)
def answers_afterwards(server):
    """Whatever was sent, the server lives and answers."""
    before = server.memory()
    yield
    assert server.ask(GOOD).status_code == 200
    assert "Traceback" not in server.log.read_text()
    assert server.memory() - before < 200


def row(text):
    return b'{"instances": [{"temp": %b, "die temp": 1, "mold": "a"}]}' % text


BODIES = {
    "nothing": b"",
    "blank": b"   ",
    "a NUL byte": b"\x00",
    "NUL bytes": b"\x00" * 1000,
    "cut off": GOOD[:-3],
    "more behind it": GOOD + b"x",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": GOOD.replace(b"M1", b"\xff\xfe"),
    "not UTF-8, with a token": row(b"NaN").replace(b"a", b"\xff"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a lone surrogate": GOOD.replace(b"M1", b"\\ud800"),
    "a lone surrogate, with a token": row(b"NaN").replace(b'"a"', b'"\\udfff"'),
    "a name with a lone surrogate": row(b"NaN").replace(b"mold", b"\\ud800"),
    "a signature with a lone surrogate": b'{"instances": [NaN], "signature_name": "\\ud800"}',
    "deep lists": row(b"[" * 100_000 + b"]" * 100_000),
    "deep lists, with a token": row(b"[" * 50_000 + b"NaN" + b"]" * 50_000),
    "deep objects": b'{"instances": ' + b'{"a":' * 50_000,
    "lists as deep as the parser goes": row(b"[" * 1000 + b"]" * 1000),
    "a list for a number": row(b"[1]"),
    "an object for a number": row(b'{"a": 1}'),
    "text for a number": row(b'"hot"'),
    "true for a number": row(b"true"),
    "a list for a text": GOOD.replace(b'"M1"', b"[1]"),
    "a number that is no float": row(b"1e39"),
    "a number that is no double": row(b"1e400"),
    "a number that is no double, with a token": row(b"1e400").replace(b'"a"', b"[NaN]"),
    "a number of 4,000 digits": row(b"9" * 4000),
    "a number of 5,000 digits": row(b"9" * 5000),
    "a number of 5,000 digits, with a token": row(b"9" * 5000).replace(b'"a"', b"NaN"),
    "a whole number that is no double": GOOD.replace(b"-1", b"9007199254740993"),
    "a whole number that is no int32": MATRIX % b"[[2147483648, 1]]",
    "no whole number": MATRIX % b"[[1.5, 1]]",
    "null for a whole number": MATRIX % b"[[null, 1]]",
    "no rows": b'{"instances": []}',
    "rows that are an object": b'{"instances": {}}',
    "rows that are text": b'{"instances": "abc"}',
    "rows that are null": b'{"instances": null}',
    "rows of lists": b'{"instances": [[1, 2, "a"]]}',
    "rows of both kinds": GOOD.replace(b"}]", b"}, [1]]"),
    "an empty row": b'{"instances": [{}]}',
    "ragged columns": b'{"inputs": {"temp": [1, 2], "die temp": [1], "mold": ["a"]}}',
    "a column that is no list": b'{"inputs": {"temp": 1, "die temp": [1], "mold": ["a"]}}',
    "columns that are null": b'{"inputs": null}',
    "no columns": b'{"inputs": {}}',
    "empty columns of other inputs": b'{"inputs": {"x": []}}',
    "ragged lists": MATRIX % b"[[1, 2], [3]]",
    "lists of lists of nothing": b'{"signature_name": "matrix", "inputs": [[], []]}',
    "wrong base64": b'{"signature_name": "picture", "instances": [{"b64": "***"}]}',
    "base64 of nothing known": b'{"signature_name": "picture", "instances": [{"b64": 1}]}',
    "half of base64": b'{"signature_name": "picture", "instances": [{"b64": "abcde"}]}',
    "a signature that is a list": b'{"instances": [1], "signature_name": []}',
    "many names": b'{"instances": [{%b}]}'
    % b",".join(b'"a%d": 1' % number for number in range(20_000)),
    "a long name": b'{"instances": [{"%b": 1}]}' % (b"a" * 500_000),
    "many lists": b'{"instances": [%b]}' % b",".join([b"[]"] * 300_000),
    "many objects": b'{"instances": [%b]}' % b",".join([b"{}"] * 300_000),
    "many rows": b'{"instances": [%b]}' % b",".join([b"1"] * 400_000),
    "many values, with a token": b'{"instances": [%b]}' % b",".join([b"NaN"] * 200_000),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", [":predict", ":classify", ":regress"])
def test_bodies(server, name, path):
    # Well below where every message is cut: each quotes a part of the request alone.
    assert len(refused(server.ask(BODIES[name], path))) < 1_000


def test_no_rows_at_all_in_columns(server):
    answer = server.ask({"inputs": {"temp": [], "die temp": [], "mold": []}})
    assert answer.json() == {"outputs": {"class": [], "probability": []}, "version": "1"}


@pytest.mark.parametrize(
    "body", [b'{"instances": [1], "instances": [%b]}' % json.dumps(ROW).encode()]
)
def test_a_key_that_is_given_twice_counts_once(server, body):
    assert server.ask(body).status_code == 200


def test_random_changes_to_a_good_request(server):
    chance = random.Random(7)  # noqa: S311 # it needs no secret
    pieces = [b"", b"\x00", b"[", b"{", b'"', b"NaN", b"-", b"1e9", b"\\u", b"null", b"\xff", b","]
    found = set()
    with requests.Session() as session:
        for _ in range(1_000):
            body = bytearray(GOOD)
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(body))
                body[place : place + chance.randint(0, 3)] = chance.choice(pieces)
            answer = session.post(f"{server.model}:predict", data=bytes(body), timeout=20)
            assert answer.status_code in (200, 400), (body, answer.text)
            found.add(answer.status_code)
    assert found == {200, 400}


def test_a_body_that_is_too_large(server):
    for body in (b"x" * (MIB + 1), b"x" * (5 * MIB)):
        assert "larger than 1 MiB" in refused(server.ask(body), 413)

    def parts():
        for _ in range(40):
            yield b" " * 50_000

    answer = requests.post(f"{server.model}:predict", data=parts(), timeout=20)
    assert refused(answer, 413)


def test_many_large_bodies_at_once(server):
    before, most = server.memory(), 0.0
    body = b'{"instances": [%b]}' % b",".join([b"[]"] * 340_000)
    found = []
    threads = [threading.Thread(target=lambda: found.append(server.ask(body))) for _ in range(24)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.memory() - before)
        time.sleep(0.02)
    assert 400 in {answer.status_code for answer in found} <= {400, 503}
    assert all("error" in answer.json() for answer in found)
    assert most < 300


def head(*lines, path="/v1/models/line:predict", method="POST"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\r\n\r\n\x00\x01\x02\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (head("Content-Length: -1"), 400),
        (head("Content-Length: x"), 400),
        (head("Content-Length: 99999999999999999999999999"), 400),
        (head("Content-Length: 999999999999"), 413),
        (head("Content-Length: 5", "Content-Length: 6"), 400),
        (head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"zz\r\n", 400),
        (head("Transfer-Encoding: chunked") + b"ffffffffffffffffff\r\n", 400),
        (head("Content-Encoding: br", "Content-Length: 1") + b"x", 415),
        (head("Content-Length: 0"), 400),
        (head(path="/v1/models/%ff%00:predict"), 404),
        (head(path="/%2e%2e/%2e%2e/etc/passwd", method="GET"), 404),
        (head(path="/docs/%2e%2e/__init__.py", method="GET"), 404),
        (head(path="http://other/healthz", method="GET"), 200),
        (head(path="*", method="OPTIONS"), 404),
        (head(path="other:80", method="CONNECT"), 400),
        (head(path="/v1/models/line", method="PUT"), 400),
        (head(path="/v1/models/line:predict", method="GET"), 400),
        (head(path="/healthz", method="DELETE"), 405),
        (head(path="/é", method="GET"), 400),
        (head(path="/x" * 30_000, method="GET"), 404),
        (head("Upgrade: websocket", "Connection: upgrade", "Content-Length: 0"), 400),
        (head("X: y\x00z"), 400),
    ],
)
def test_invalid_requests_on_the_wire(server, data, status):
    answer = server.send(data)
    assert statuses(answer)[0] == status, answer
    body = answer.partition(b"\r\n\r\n")[2]
    assert status == 200 or b"error" in body


def until_refused(server, start, piece):
    """Sends pieces until the server responds; returns the statuses, and the bytes that it took."""
    with server.connect() as connection:
        connection.sendall(start)
        # The limit counts from the read that follows the last part of a body. So that read must not
        # hold any of the pieces.
        time.sleep(0.5)
        sent = 0
        while sent < 2 * MIB:
            connection.sendall(piece)
            sent += len(piece)
            # From the limit on there is time to respond: nothing is unread when it closes.
            wait = 0.5 if sent > LIMIT else 0
            if select.select([connection], [], [], wait)[0]:
                break
        return statuses(received(connection)), sent


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: ",
        head("Transfer-Encoding: chunked") + b"1\r\n \r\n0\r\n",
    ],
    ids=["headers", "a header", "trailers"],
)
def test_headers_and_trailers_without_an_end(server, start):
    piece = b"y" * 1024 if start.endswith(b": ") else b"X: %b\r\n" % (b"y" * 1000)
    found, sent = until_refused(server, start, piece)
    assert found == [431]
    assert LIMIT - 1024 < sent < LIMIT + 4 * 1024


def test_a_body_longer_than_its_content_length(server):
    answer = server.send(head(f"Content-Length: {len(GOOD)}") + GOOD + b"more of it\r\n\r\n")
    assert statuses(answer) in ([400], [200, 400])


def test_a_body_shorter_than_its_content_length(server):
    with server.connect() as connection:
        connection.sendall(head(f"Content-Length: {len(GOOD) + 5}") + GOOD)
        assert statuses(received(connection)) == [408]
    # Who goes away is owed nothing.
    server.send(head(f"Content-Length: {len(GOOD) + 5}") + GOOD, timeout=5)


@pytest.mark.parametrize(
    "start", [b"", head("Content-Length: 100"), head("Transfer-Encoding: chunked")]
)
def test_a_slow_client_is_disconnected(server, start):
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(start)
        try:
            for piece in [b"P", b"O", b"S", b"T", *[b" "] * 60] if not start else [b"1"] * 60:
                connection.sendall(piece)
                time.sleep(0.1)
        except OSError:
            pass
        received(connection)
    assert time.monotonic() - began < 8


def test_a_client_that_never_reads_is_disconnected(server):
    large = json.dumps({"instances": [ROW | {"mold": "x" * 5_000}] * 200}).encode()
    ask = head(f"Content-Length: {len(large)}") + large
    with server.connect(timeout=1) as connection:
        try:
            for _ in range(100):
                connection.sendall(ask)
        except OSError:
            # Nothing more is taken, since nothing is read.
            pass
        connection.settimeout(20)
        time.sleep(7)
        assert len(received(connection)) < 50 * len(large)


def is_closed(connection):
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def test_idle_connections_are_closed_above_the_limit(server):
    idle = []
    try:
        for _ in range(900):
            idle.append(server.connect())
        assert server.ask(GOOD).status_code == 200
        closed = [place for place, connection in enumerate(idle) if is_closed(connection)]
        assert len(idle) - 800 <= len(closed) < len(idle) - 780
        # Those that were idle for the longest, up to how finely the loop's clock tells them apart.
        assert max(closed) < 450
    finally:
        for connection in idle:
            connection.close()


def test_many_requests_in_a_pipeline(server):
    ask, last = (
        head(connection, path="/healthz", method="GET")
        for connection in ("Connection: keep-alive", "Connection: close")
    )
    with server.connect() as connection:
        connection.sendall(ask * 9 + last)
        assert statuses(received(connection)) == [200] * 10
    # Without an end: it must not hold them all.
    found = statuses(server.send(ask * 5000))
    assert set(found) <= {200, 400}
    assert len(found) < 1000


def test_a_client_that_expects_100_continue_is_refused_before_it_sends(server):
    start = head("Expect: 100-continue", "Content-Length: 99999999")
    assert statuses(server.send(start)) == [413]
    start = head("Expect: 100-continue", f"Content-Length: {len(GOOD)}", "Connection: close")
    with server.connect() as connection:
        connection.sendall(start)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(GOOD)
        assert statuses(received(connection)) == [200]


def test_a_full_queue(server):
    found = []

    def ask(document):
        found.append(server.ask(document))

    slow = {"signature_name": "slow", "instances": [1.0]}
    rows = {"instances": [ROW] * 16}
    threads = [threading.Thread(target=ask, args=[slow])]
    threads += [threading.Thread(target=ask, args=[rows]) for _ in range(12)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    codes = [answer.status_code for answer in found]
    assert set(codes) == {200, 503}
    busy = next(answer for answer in found if answer.status_code == 503)
    assert busy.headers["retry-after"] == "1"
    assert "wait for the model" in busy.json()["error"]
