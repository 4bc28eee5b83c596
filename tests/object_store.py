"""A real S3 server for tests (SeaweedFS), and a proxy before it that makes faults.

The proxy passes everything on as it came, the signed `Host` too, but for the faults that a test
asks for: nothing of the server is imitated.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyarrow import fs

from beltline.storage.filesystem import filesystem
from beltline.storage.url import ObjectUrl
from tests.databases import free_port
from tests.http_stub import Handler, serving

ACCESS_KEY = "beltline-tests"
SECRET_KEY = "planted-secret-of-the-store"  # noqa: S105 - of the tests' own server
BUCKET = "models"
_START_SECONDS = 60
_PARTS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Store:
    """A server with one bucket; `endpoint` is its URL."""

    endpoint: str

    def environment(self, endpoint: str = "") -> dict[str, str]:
        """The variables by which a client finds it."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> fs.S3FileSystem:
        """A client that has nothing of ours."""
        return fs.S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            endpoint_override=self.endpoint.removeprefix("http://"),
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )


@dataclass
class Faults:
    """What the proxy does to requests whose method and path contain a text, such as `PUT`.

    `seen` are the requests that came, faults included.
    """

    busy: dict[str, int] = field(default_factory=dict)
    """How many requests get 503."""
    cut: dict[str, int] = field(default_factory=dict)
    """How many connections are cut, in the middle of the body where there is one."""
    slow: dict[str, float] = field(default_factory=dict)
    """How many seconds an answer takes."""
    lag: bool = False
    """Whether listings stay as they were when each was first asked for."""
    kill: tuple[int, int] | None = None
    """At which request, counted from 1, which process is killed, before it is passed on."""
    seen: list[str] = field(default_factory=list)
    listings: dict[str, tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=dict)

    def take(self, kind: dict[str, int], request: str) -> bool:
        """Whether a fault is due; each is made as often as was asked for."""
        found = next((text for text, left in kind.items() if text in request and left > 0), None)
        if found is not None:
            kind[found] -= 1
        return found is not None


class _Proxy(Handler):
    target: str
    faults: Faults

    def do_GET(self) -> None:
        self._pass_on()

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET

    def _pass_on(self) -> None:
        request, faults = f"{self.command} {self.path}", self.faults
        faults.seen.append(request)
        if faults.kill and len(faults.seen) == faults.kill[0]:
            os.kill(faults.kill[1], signal.SIGKILL)
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        if faults.take(faults.cut, request):
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        time.sleep(next((s for text, s in faults.slow.items() if text in request), 0))
        if faults.take(faults.busy, request):
            self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
            return
        if faults.lag and "list-type=2" in request:
            if request not in faults.listings:
                faults.listings[request] = self._of_server(body)
            self._answer(*faults.listings[request])
            return
        self._answer(*self._of_server(body))

    def _of_server(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        server = http.client.HTTPConnection(self.target.removeprefix("http://"), timeout=60)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                server.putheader(name, value)
        server.endheaders(body)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        return answer.status, answer.getheaders(), content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


@contextmanager
def faulty(store: Store) -> Iterator[tuple[str, Faults]]:
    """Yields the endpoint of a proxy, and the faults that it makes."""
    faults = Faults()
    with serving(_Proxy, target=store.endpoint, faults=faults) as endpoint:
        yield endpoint, faults


@contextmanager
def object_store() -> Iterator[Store]:
    """Yields a server that holds an empty bucket."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("SeaweedFS is not installed")
    with tempfile.TemporaryDirectory() as folder:
        ports = {part: free_port() for part in [*_PARTS, *(f"{part}.grpc" for part in _PARTS)]}
        # The server must not be asked for what it has not been told.
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        config = Path(folder) / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        options = {
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "dir": folder,
            "s3.config": config,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": f"{folder}/s3.sock",
            "filer.localSocket": f"{folder}/filer.sock",
            "master.telemetry": "false",
            "s3.iam": "false",
            "s3.autoCreateBucket": "false",
            "volume.max": 50,
            "master.volumeSizeLimitMB": 64,
            **{_port_option(part): port for part, port in ports.items()},
        }
        command = [weed, "server", "-filer", "-s3", *(f"-{k}={v}" for k, v in options.items())]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            store = Store(f"http://127.0.0.1:{ports['s3']}")
            _wait_for(store, server, Path(folder) / "log")
            yield store
        finally:
            # Stopped politely, it would wait for a quarter of a minute.
            server.kill()
            server.wait()


def sizes(url: ObjectUrl) -> dict[ObjectUrl, int]:
    """The objects below a prefix with their sizes in bytes, as a listing has them."""
    selector = fs.FileSelector(url.path, allow_not_found=True, recursive=True)
    found = filesystem(url).get_file_info(selector)
    files = [each for each in found if each.type == fs.FileType.File]
    return {
        ObjectUrl(url.scheme, url.bucket, each.path.partition("/")[2]): each.size for each in files
    }


def _port_option(part: str) -> str:
    name, _, grpc = part.partition(".")
    return f"{name}.port.{grpc}" if grpc else f"{name}.port"


def _wait_for(store: Store, server: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while True:
        try:
            client = store.client()
            client.create_dir(BUCKET)
            with client.open_output_stream(f"{BUCKET}/ready") as stream:
                stream.write(b"yes")
            client.delete_file(f"{BUCKET}/ready")
            return
        except OSError:
            gone = server.poll() is not None
            assert not gone and time.monotonic() < ends, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)
