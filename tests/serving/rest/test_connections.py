"""What `connections.py` and `server.py` rely on inside uvicorn, which is pinned for that reason.

A failure here after a new pin says what has moved.
"""

import asyncio
import inspect
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
from beltline.serving.rest.connections import Connection, _Joined

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
READ = ["connections", "cycle", "expect_100_continue", "loop", "pipeline", "scope", "transport"]
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


class Transport:
    """Records what is sent."""

    def __init__(self):
        self.sent = []
        self.closed = False

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
        return 0

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


def on_a_connection(test):
    """Runs `test(connection, transport)` on a loop, with uvicorn's own state."""

    async def run():
        config = uvicorn.Config(respond, log_config=None, access_log=False, lifespan="off")
        loop = asyncio.get_running_loop()
        connection, transport = Connection(config, ServerState(), {}, loop), Transport()
        connection.connection_made(transport)
        await test(connection, transport)

    asyncio.run(run())


def test_no_other_module_relies_on_internals():
    allowed = {
        "uvicorn.protocols": "serving/rest/connections.py",
        "._make_callable_from_options(": "serving/servables/session.py",
    }
    for internal, module in allowed.items():
        users = [file for file in (ROOT / "serving").rglob("*.py") if internal in file.read_text()]
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
        missing = [name for name in READ if not hasattr(connection, name)]
        assert not missing, moved(f"a connection has no {missing}")
        assert connection in connection.connections, moved("it is not among its `connections`")
        connection.data_received(GET)
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


def test_a_tick_is_a_tenth_of_a_second():
    source = inspect.getsource(uvicorn.Server.main_loop)
    assert "on_tick" in source, moved("Server.main_loop doesn't call on_tick")
    assert "sleep(0.1)" in source, moved("on_tick isn't called every 0.1 s: see _Server.on_tick")
