"""Spans as OpenTelemetry's own exporters get them."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from beltline.base.settings.serving import ServingLimits
from beltline.serving.options import Options
from beltline.serving.rest.app import Application
from beltline.serving.servables.served import ServedVersions
from beltline.serving.tracing import Tracing, tracing_from_environment
from tests.serving import running
from tests.serving.rest.test_predict import ROW
from tests.serving.test_trace_context import PARENT, SPAN, TRACE

LIMITS = ServingLimits(trusted_proxies=["127.0.0.1"], batch_rows=1)


@pytest.fixture
def traced(served_folder):
    """Asks an application of this process; returns the response's headers and the spans."""
    exporter = InMemorySpanExporter()
    tracing = Tracing("line", SimpleSpanProcessor(exporter))
    options = Options("line", served_folder, poll_seconds=0.05, limits=LIMITS)
    served = ServedVersions(options)
    app = Application(options, served, tracing)

    def ask(method, path, document=None, **headers):
        sent = []
        asyncio.run(app(*asgi(method, path, document, headers, sent)))
        spans = exporter.get_finished_spans()
        exporter.clear()
        return dict(sent[0]["headers"]), list(spans)

    ask.served = served
    yield ask
    app.close()
    served.close()
    tracing.close()


def asgi(method, path, document, headers, sent):
    body = b"" if document is None else json.dumps(document).encode()

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": named,
        "client": ("127.0.0.1", 4711),
        "scheme": "http",
        "http_version": "1.1",
    }
    return scope, receive, send


def test_a_span_of_a_request(traced):
    headers, [span] = traced(
        "GET", "/healthz", host="127.0.0.1:8501", user_agent="curl/8", x_request_id="r1"
    )
    assert (span.name, span.kind, span.parent) == ("GET /healthz", SpanKind.SERVER, None)
    assert span.status.status_code == StatusCode.UNSET
    assert span.resource.attributes["service.name"] == "line"
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/healthz",
        "http.response.status_code": 200,
        "http.request.body.size": 0,
        "http.response.body.size": 18,
        "url.path": "/healthz",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": 8501,
        "user_agent.original": "curl/8",
        "beltline.request_id": "r1",
    }
    context = span.get_span_context()
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
    assert headers[b"traceparent"] == parent.encode()


def test_it_is_in_the_callers_trace(traced):
    headers, [span] = traced(
        "GET", "/docs", traceparent=PARENT.decode(), tracestate="a=b", x_forwarded_for="192.0.2.1"
    )
    assert f"{span.get_span_context().trace_id:032x}" == TRACE
    assert (f"{span.parent.span_id:016x}", span.parent.is_remote) == (SPAN, True)
    assert span.attributes["client.address"] == "192.0.2.1"
    assert headers[b"traceparent"].split(b"-")[1].decode() == TRACE
    assert headers[b"traceparent"].split(b"-")[2].decode() != SPAN
    assert headers[b"tracestate"] == b"a=b"


def test_what_the_caller_does_not_sample_is_not_recorded(traced):
    headers, spans = traced("GET", "/docs", traceparent=PARENT.decode()[:-1] + "0")
    assert spans == []
    assert headers[b"traceparent"].startswith(f"00-{TRACE}-".encode())
    assert headers[b"traceparent"].endswith(b"-00")


def test_what_a_proxy_was_asked_for(traced):
    said = {"x_forwarded_proto": "https", "x_forwarded_host": "line.example", "host": "x:1"}
    _, [span] = traced("PROPFIND", "/x" * 2_000, **said)
    found = span.attributes
    assert (span.name, found["http.request.method"]) == ("HTTP", "_OTHER")
    assert found["http.request.method_original"] == "PROPFIND"
    assert (found["url.scheme"], found["server.address"]) == ("https", "line.example")
    assert "server.port" not in found
    assert "http.route" not in found
    assert len(found["url.path"]) < 600
    # The caller's mistake is no error of the server's.
    assert (found["http.response.status_code"], span.status.status_code) == (404, StatusCode.UNSET)


def test_an_error_of_the_server(traced):
    traced.served.close()
    _, [span] = traced("GET", "/readyz")
    assert span.status.status_code == StatusCode.ERROR
    assert span.attributes["error.type"] == "503"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/models/line/metadata", "GET /v1/models/{model}/metadata"),
        ("GET", "/v2", "GET /v2"),
        ("GET", "/v2/models/line", "GET /v2/models/{model}"),
        ("GET", "/v2/models/line/versions/1/ready", "GET /v2/models/{model}/ready"),
        ("POST", "/v2/models/line/infer", "POST /v2/models/{model}/infer"),
    ],
)
def test_a_span_is_named_by_its_route(traced, method, path, name):
    _, [span] = traced(method, path)
    assert span.name == name


@pytest.mark.slow
def test_the_phases_of_a_prediction(traced):
    traced.served.start()
    end = time.monotonic() + 60
    while traced.served.live is None:
        assert time.monotonic() < end
        time.sleep(0.1)
    rows = {"instances": [{"heat": 1.0, "mold": "A"}, {"heat": 2.0, "mold": "?"}]}
    _, [*children, span] = traced("POST", "/v1/models/line/versions/1:predict", rows)
    assert span.name == "POST /v1/models/{model}:predict"
    assert (span.attributes["beltline.model.version"], span.attributes["beltline.rows"]) == (1, 2)
    # The request is larger than a batch.
    names = ["parse", "queue", "model", "queue", "model"]
    assert [child.name for child in children] == names
    times = [span.start_time]
    for child in children:
        assert child.parent.span_id == span.get_span_context().span_id
        times += [child.start_time, child.end_time]
    assert times == sorted(times)
    assert times[-1] <= span.end_time


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_the_environment_asks_for_it(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing_from_environment("line") is None


def test_where_nothing_is_traced_nothing_of_opentelemetry_is_loaded():
    """Of what the server imports before TensorFlow."""
    program = (
        "import sys; from beltline.serving import server, tracing;"
        "assert tracing.tracing_from_environment('line') is None;"
        "assert not [each for each in sys.modules if each.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_library_that_is_missing_is_named(monkeypatch, caplog):
    caplog.set_level("WARNING", "beltline.serving")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    assert tracing_from_environment("line") is None
    assert "beltline[tracing]" in caplog.text


@contextmanager
def collector():
    """Receives what OTLP over HTTP sends; yields its address and the requests."""
    found = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["content-length"]))
            found.append((self.path, ExportTraceServiceRequest.FromString(content)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", found
        finally:
            server.shutdown()


@pytest.mark.slow
def test_spans_reach_a_collector(tmp_path):
    running.small_model(tmp_path / "line" / "1")
    access = tmp_path / "access.log"
    with collector() as (address, received):
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_SERVICE_NAME": "casting"}
        options = ["--access-log", str(access)]
        with running.server(tmp_path / "line", tmp_path / "log", *options, **environment) as server:
            server.wait_until_ready()
            answer = server.ask({"instances": [ROW]}, headers={"traceparent": PARENT.decode()})
            assert answer.status_code == 200
            # What waits to be sent is sent before it ends.
            assert server.stop() == 0
    assert {path for path, _ in received} == {"/v1/traces"}
    resources = [each for _, message in received for each in message.resource_spans]
    [name] = {
        each.value.string_value
        for resource in resources
        for each in resource.resource.attributes
        if each.key == "service.name"
    }
    assert name == "casting"
    spans = [
        span
        for resource in resources
        for scope in resource.scope_spans
        for span in scope.spans
        if span.trace_id.hex() == TRACE
    ]
    assert [span.name for span in spans] == [
        "parse",
        "queue",
        "model",
        "POST /v1/models/{model}:predict",
    ]
    assert spans[-1].parent_span_id.hex() == SPAN
    assert answer.headers["traceparent"] == f"00-{TRACE}-{spans[-1].span_id.hex()}-01"
    assert f'"trace_id":"{TRACE}"' in access.read_text()
