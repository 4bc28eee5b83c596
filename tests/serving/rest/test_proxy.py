"""A server behind nginx, with TLS and the configuration file that the docs name."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser import page_in_browser
from tests.serving import running
from tests.serving.rest.test_access_log import waited_for
from tests.serving.rest.test_predict import ROW
from tests.serving.test_trace_context import PARENT, TRACE

pytestmark = pytest.mark.slow

CONFIGURATION = Path(__file__).parents[3] / "deploy/serving/nginx.conf"
# The client's address, which is no trusted proxy's.
CLIENT = "127.0.0.2"
# For a proxy that doesn't strip the prefix, as the file says.
PASSED_ON = {
    "http://beltline/;": "http://beltline;",
    "X-Forwarded-Prefix /casting": 'X-Forwarded-Prefix ""',
}
# No file of it is outside the test's folder.
MAIN = """\
daemon off;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
%(user)s
events {}
http {
    access_log %(folder)s/nginx.log;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    include %(folder)s/beltline.conf;
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextmanager
def nginx(folder, upstream, changes):
    """Starts nginx with the configuration of the docs; yields its port."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        pytest.skip("nginx is not installed")
    port = free_port()
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    certificate += ["-keyout", folder / "casting.key", "-out", folder / "casting.crt"]
    certificate += ["-subj", "/CN=casting.example", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(certificate, check=True, capture_output=True)
    text = CONFIGURATION.read_text()
    places = {
        "127.0.0.1:8501;": f"127.0.0.1:{upstream};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/nginx/": f"{folder}/",
    }
    for old, new in {**places, **changes}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "beltline.conf").write_text(text)
    user = "user root;" if Path(folder).owner() == "root" else ""
    (folder / "nginx.conf").write_text(MAIN % {"folder": folder, "user": user})
    words = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    process = subprocess.Popen(words)
    try:
        wait_for(port, folder / "error.log")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port, log):
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)


class Proxied:
    """A server behind a proxy; each request is from `CLIENT`."""

    def __init__(self, server, port, folder, prefix):
        self.server = server
        self.port = port
        self.prefix = prefix
        self.access = folder / "access.log"
        self.host = f"casting.example:{port}"
        self._context = ssl.create_default_context(cafile=str(folder / "casting.crt"))

    def connect(self):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self._context, source_address=(CLIENT, 0), timeout=30
        )

    def ask(self, path, body=None, connection=None, **headers):
        """Returns the status, the headers and the body."""
        connection = connection or self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "POST" if body is not None else "GET", path, body, {"Host": self.host, **named}
        )
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def logged(self, request_id):
        """The line of a request in the access log."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for line in waited_for(self.access, 1):
                if line["request_id"] == request_id:
                    return line
            time.sleep(0.05)
        raise AssertionError(self.access.read_text())


@pytest.fixture(scope="module", params=["", "/casting"], ids=["stripped", "passed on"])
def proxied(request, tmp_path_factory):
    """Behind a proxy that strips the prefix, and one that passes it on to the server."""
    folder = tmp_path_factory.mktemp("proxy")
    running.small_model(folder / "line" / "1")
    options = ["--trusted-proxies", "127.0.0.1", "--access-log", str(folder / "access.log")]
    if request.param:
        options += ["--path-prefix", request.param]
    changes = PASSED_ON if request.param else {}
    with (
        running.server(folder / "line", folder / "log", *options) as server,
        nginx(folder, server.place[1], changes) as port,
    ):
        server.wait_until_ready()
        yield Proxied(server, port, folder, request.param)


PREDICT = "/casting/v1/models/line:predict"
BODY = json.dumps({"instances": [ROW]}).encode()


def test_the_access_log_has_the_client_and_the_id_of_the_proxy(proxied):
    spoofed = {"X_Forwarded_For": "1.2.3.4", "X_Request_Id": "mine", "Forwarded": "for=1.2.3.4"}
    status, headers, body = proxied.ask(PREDICT, BODY, traceparent=PARENT.decode(), **spoofed)
    assert (status, json.loads(body)["version"]) == (200, "1")
    line = proxied.logged(headers["x-request-id"])
    assert line["client"] == CLIENT
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert (line["trace_id"], line["rows"], line["request_bytes"]) == (TRACE, 1, len(BODY))


def test_nobody_but_the_proxy_is_believed(proxied):
    assert prefix_of(proxied.ask("/casting/openapi.json")[2]) == "/casting"
    direct = http.client.HTTPConnection(*proxied.server.place, source_address=(CLIENT, 0))
    said = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Prefix": "/x", "X-Request-Id": "direct"}
    direct.request("GET", f"{proxied.prefix}/openapi.json", headers=said)
    assert prefix_of(direct.getresponse().read()) == proxied.prefix
    assert proxied.logged("direct")["client"] == CLIENT


def prefix_of(document):
    """What comes before each path of an OpenAPI document."""
    [server] = json.loads(document).get("servers", [{"url": ""}])
    return server["url"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://{host}", 200),
        ("http://{host}", 403),
        ("https://evil.example", 403),
        ("https://casting.example", 403),
        ("http://{server}", 403),
    ],
)
def test_a_page_of_the_proxys_own_host_may_post(proxied, origin, status):
    server = "{}:{}".format(*proxied.server.place)
    headers = {"Origin": origin.format(host=proxied.host, server=server)}
    assert proxied.ask(PREDICT, BODY, **headers)[0] == status


def test_a_connection_to_the_server_is_used_again(proxied):
    before = connections(proxied)
    connection = proxied.connect()
    for _ in range(20):
        assert proxied.ask(PREDICT, BODY, connection)[0] == 200
    assert len(connections(proxied) - before) <= 1


def connections(proxied):
    """The connections to the server that the kernel knows; it forgets a closed one in a minute."""
    port = f":{proxied.server.place[1]:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    pairs = [(local, remote) for _, local, remote, *_ in lines]
    return {frozenset(pair) for pair in pairs if any(each.endswith(port) for each in pair)}


def test_large_bodies(proxied):
    filler = json.dumps({"instances": [ROW] * 9_000}).encode()
    body = filler + b" " * (15 * 2**20 - len(filler))
    status, headers, answer = proxied.ask(PREDICT, body)
    assert (status, len(json.loads(answer)["predictions"])) == (200, 9_000)
    line = proxied.logged(headers["x-request-id"])
    assert (line["rows"], line["request_bytes"], line["client"]) == (9_000, len(body), CLIENT)
    # Sent in chunks, which nginx joins.
    parts = (body[start : start + 2**20] for start in range(0, len(body), 2**20))
    connection = proxied.connect()
    connection.request("POST", PREDICT, parts, {"Host": proxied.host}, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert proxied.ask(PREDICT, b" " * (17 * 2**20))[0] == 413


def test_the_docs_page_in_a_browser(proxied, tmp_path):
    page = page_in_browser(f"https://127.0.0.1:{proxied.port}/casting/docs", tmp_path)
    assert "/v1/models/line:predict" in page
    # Where the page sends its requests.
    assert re.search(r'<option value="/casting"', page)


def test_probes_are_for_the_orchestrator(proxied):
    assert proxied.ask("/casting/readyz")[0] == 200
    assert proxied.server.look("/readyz").status_code == 200
