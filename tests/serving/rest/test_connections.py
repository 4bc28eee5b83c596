"""What `connections.py` and `server.py` rely on inside uvicorn, which is pinned for that reason.

A failure here after a new pin says what has moved.
"""

import asyncio
import inspect
import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from beltline.serving.rest import connections
from beltline.serving.rest.connections import Connection, _Joined, close_unread

ROOT = Path(__file__).parents[3]
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
OVERRIDDEN = {
    "connection_made": ["self", "transport"],
    "data_received": ["self", "data"],
    "on_message_begin": ["self"],
    "on_headers_complete": ["self"],
    "on_body": ["self", "body"],
    "on_message_complete": ["self"],
    "send_400_response": ["self", "msg"],
}
READ = [
    "connections",
    "cycle",
    "expect_100_continue",
    "headers",
    "loop",
    "parser",
    "pipeline",
    "scope",
    "transport",
    "url",
]
# What the default client of Java 17 sends: the head and the body in a segment each.
JAVA_HEAD = (
    b"POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\n"
    b"Host: 127.0.0.1:8501\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15\r\n\r\n"
)
SERVER = {
    "startup": ["self", "sockets"],
    "on_tick": ["self", "counter"],
    "capture_signals": ["self"],
    "handle_exit": ["self", "sig", "frame"],
}


def moved(what: str) -> str:
    return (
        f"uvicorn {version('uvicorn')}: {what}. Read what took its place in uvicorn's sources, "
        "change serving/rest/connections.py and serving/server.py, or go back to the version that "
        "pyproject.toml had pinned."
    )


async def respond(scope, receive, send):
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"whole"})


async def echo(scope, receive, send):
    """Responds with what it was asked: the method, the path and the body."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    text = json.dumps([scope["method"], scope["path"], body.decode("latin-1")]).encode()
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


class Transport:
    """Records what is sent."""

    def __init__(self, unread=0):
        self.sent = []
        self.closed = False
        self.unread = unread

    def write(self, data):
        self.sent.append(data)

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def get_extra_info(self, name):
        return None

    def get_write_buffer_size(self):
        return self.unread

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


def on_a_connection(test, app=respond):
    """Runs `test(connection, transport)` on a loop, with uvicorn's own state."""

    async def run():
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        loop = asyncio.get_running_loop()
        connection, transport = Connection(config, ServerState(), {}, loop), Transport()
        connection.connection_made(transport)
        await test(connection, transport)

    asyncio.run(run())


def test_no_other_module_relies_on_internals():
    allowed = {
        "uvicorn.protocols": "serving/rest/connections.py",
        "._make_callable_from_options(": "versions/loaded/session.py",
    }
    for internal, module in allowed.items():
        files = [file for name in ("serving", "versions") for file in (ROOT / name).rglob("*.py")]
        users = [file for file in files if internal in file.read_text()]
        assert [file.relative_to(ROOT).as_posix() for file in users] == [module]


def test_the_pin_is_the_locked_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [pin] = [each for each in project["dependencies"] if each.startswith("uvicorn")]
    lock = (ROOT / "requirements/pipeline.txt").read_text()
    assert f"\n{pin} " in lock, f"{pin} in pyproject.toml is not what requirements/pipeline.txt has"
    assert pin == f"uvicorn=={version('uvicorn')}", "this environment has another uvicorn"


@pytest.mark.parametrize(
    ("of", "name", "expected"),
    [
        *((HttpToolsProtocol, name, names) for name, names in OVERRIDDEN.items()),
        *((uvicorn.Server, name, names) for name, names in SERVER.items()),
    ],
    ids=str,
)
def test_the_overridden_methods(of, name, expected):
    method = getattr(of, name, None)
    assert method is not None, moved(f"{of.__name__}.{name} is gone")
    found = list(inspect.signature(method).parameters)
    assert found == expected, moved(f"{of.__name__}.{name} takes {found}, not {expected}")


def test_the_attributes_that_are_read():
    async def test(connection, transport):
        assert connection in connection.connections, moved("it is not among its `connections`")
        connection.data_received(GET)
        missing = [name for name in READ if not hasattr(connection, name)]
        assert not missing, moved(f"a connection has no {missing}")
        for name in ("response_started", "response_complete", "transport"):
            assert hasattr(connection.cycle, name), moved(f"a request has no `{name}`")

    on_a_connection(test)


def test_a_status_line_is_the_begin_of_a_response():
    for status in (400, 408, 431, 503):
        expected = b"HTTP/1.1 %d " % status
        assert STATUS_LINE[status].startswith(expected), moved("STATUS_LINE has another form")


def test_a_response_needs_no_more_of_a_transport_than_joined_has():
    used = set(re.findall(r"self\.transport\.(\w+)", inspect.getsource(RequestResponseCycle)))
    missing = {name for name in used if not hasattr(_Joined, name)}
    assert used, moved("a request doesn't use its transport any more")
    assert not missing, moved(f"a request uses {missing} of its transport")


def test_head_and_body_are_one_write():
    async def test(connection, transport):
        for count in (1, 2):
            connection.data_received(GET)
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(transport.sent) == count, moved("head and body are not two writes any more")
            assert transport.sent[-1].startswith(b"HTTP/1.1 200 "), moved("the head isn't first")
            assert transport.sent[-1].endswith(b"\r\n\r\nwhole")
        assert connection.cycle.response_complete, moved("a sent response isn't complete")

    on_a_connection(test)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_nothing_is_sent_to_a_client_that_has_gone(method):
    """Of a pipeline, uvicorn tells the last response alone; uvloop raises in the others."""

    async def test(connection, transport):
        connection.data_received(GET.replace(b"GET", method) + GET)
        transport.close()
        connection.connection_lost(None)
        for _ in range(10):
            await asyncio.sleep(0)
        assert transport.sent == []

    on_a_connection(test)


def test_what_is_not_http_gets_json():
    async def test(connection, transport):
        connection.data_received(b"\x00\x01\x02\r\n\r\n")
        [sent] = transport.sent
        assert sent.startswith(b"HTTP/1.1 400 ")
        assert b"application/json" in sent, moved("send_400_response isn't called any more")
        assert transport.closed

    on_a_connection(test)


def test_each_connection_above_the_limit_closes_the_one_that_is_idle_for_the_longest(monkeypatch):
    """Also those of one turn of the loop, in which no connection is lost yet."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)

    async def test(first, transport):
        transports = [transport]
        for _ in range(4):
            # The clock of the loop tells them apart.
            await asyncio.sleep(0.001)
            transports.append(Transport())
            made = Connection(first.config, first.server_state, {}, first.loop)
            made.connection_made(transports[-1])
        assert [each.closed for each in transports] == [True, True, False, False, False]

    on_a_connection(test)


def another(first, unread=0):
    """Returns a further connection of the same server, and its transport."""
    transport = Transport(unread)
    made = Connection(first.config, first.server_state, {}, first.loop)
    made.connection_made(transport)
    return made, transport


def test_a_half_open_head_makes_room_for_a_new_connection(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)

    async def test(first, transport):
        half = [(first, transport)]
        for _ in range(3):
            half[-1][0].data_received(GET[:-2])
            await asyncio.sleep(0.001)
            half.append(another(first))
        half[-1][0].data_received(GET)
        await asyncio.sleep(0.01)
        assert [each.closed for _, each in half] == [True, False, False, False]
        assert half[-1][1].sent[0].startswith(b"HTTP/1.1 200 ")

    on_a_connection(test)


def test_probes_have_room_where_every_connection_is_answered(monkeypatch):
    """Also where that room is full of half-open heads."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(connections, "MAX_PROBES", 2)

    async def app(scope, receive, send):
        if scope["path"] == "/busy":
            await asyncio.Event().wait()
        await respond(scope, receive, send)

    async def test(first, transport):
        first.data_received(GET.replace(b"/healthz", b"/busy"))
        half = []
        for _ in range(3):
            await asyncio.sleep(0.001)
            half.append(another(first))
            half[-1][0].data_received(GET[:-2])
        for path, status in ((b"/readyz?x", 200), (b"/metrics", 503), (b"/healthz", 200)) * 2:
            await asyncio.sleep(0.001)
            probe, answer = another(first)
            probe.data_received(GET.replace(b"/healthz", path))
            await asyncio.sleep(0.01)
            assert answer.sent[0].startswith(b"HTTP/1.1 %d " % status)
            assert (b"\r\nretry-after: 1\r\n" in answer.sent[0]) == (status == 503)
        assert [each.closed for _, each in half] == [True] * 3
        assert not transport.closed

    on_a_connection(test, app)


def test_responses_that_nobody_reads_are_bounded(monkeypatch):
    monkeypatch.setattr(connections, "MAX_UNREAD", 100)

    async def test(first, transport):
        large, small = another(first, unread=80), another(first, unread=30)
        close_unread(first.connections)
        assert (large[1].closed, small[1].closed, transport.closed) == (True, False, False)
        large[0].connection_lost(None)
        close_unread(first.connections)
        assert not small[1].closed

    on_a_connection(test)


def on_a_socket(*parts, app=echo):
    """Sends the parts in segments of their own; returns all that a server of sockets sends."""

    async def run():
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: Connection(config, state, {}, loop), "127.0.0.1")
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.write_eof()
        async with asyncio.timeout(5):
            found = await reader.read()
        writer.close()
        server.close()
        return found

    return asyncio.run(run())


def asked(answer):
    """What each response of `echo` says, and the status of others."""
    responses = [part.partition(b"\r\n\r\n") for part in answer.split(b"HTTP/1.1 ")[1:]]
    return [
        json.loads(body) if head.startswith(b"200") else int(head[:3])
        for head, _, body in responses
    ]


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("body", [b'{"instances": []}', SMUGGLED, b"", JAVA_HEAD % 5 + b"hello"])
@pytest.mark.parametrize("joined", [True, False], ids=["one segment", "segments"])
def test_an_offer_of_http_2_is_declined_and_the_body_read(body, joined):
    """Java's default client makes that offer with its first request."""
    parts = [JAVA_HEAD % len(body), body, LAST]
    answer = on_a_socket(b"".join(parts)) if joined else on_a_socket(*parts)
    assert asked(answer) == [["POST", "/x", body.decode()], ["GET", "/last", ""]]


def test_an_offer_is_declined_wherever_the_segments_end():
    body = SMUGGLED
    whole = JAVA_HEAD % len(body) + body + LAST
    for place in range(1, len(whole), 7):
        answer = on_a_socket(whole[:place], whole[place:])
        assert asked(answer) == [["POST", "/x", body.decode()], ["GET", "/last", ""]], place


def test_a_chunked_body_and_a_pipeline_of_offers():
    chunked = JAVA_HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    websocket = b"GET /w HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    answer = on_a_socket(websocket + chunked + body + JAVA_HEAD % 2 + b"ab" + LAST)
    assert asked(answer) == [
        ["GET", "/w", ""],
        ["POST", "/x", SMUGGLED.decode()],
        ["POST", "/x", "ab"],
        ["GET", "/last", ""],
    ]


def test_a_tunnel_and_too_many_offers_are_refused():
    assert asked(on_a_socket(b"CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n" + LAST)) == [400]
    assert asked(on_a_socket(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + LAST)) == [400]
    many = asked(on_a_socket((JAVA_HEAD % 1 + b"a") * 400))
    assert 400 in many or len(many) <= 40


def test_a_tick_is_a_tenth_of_a_second():
    source = inspect.getsource(uvicorn.Server.main_loop)
    assert "on_tick" in source, moved("Server.main_loop doesn't call on_tick")
    assert "sleep(0.1)" in source, moved("on_tick isn't called every 0.1 s: see _Server.on_tick")
