"""A span for each request, by OpenTelemetry: where the server's time goes, in the caller's trace.

The environment says where spans are sent, by the standard `OTEL_*` variables. Where it says
nothing, nothing of OpenTelemetry is imported. Names and attributes are those of its semantic
conventions for HTTP; below the span of a request there is one each for parsing, for waiting in the
queue and for the model.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from beltline.serving.current_request import CurrentRequest
from beltline.serving.rest.access_log import MOST_TEXT
from beltline.serving.rest.forwarding import Forwarded, peer_address
from beltline.serving.rest.responses import Scope
from beltline.serving.trace_context import TraceContext

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

_LOG = logging.getLogger("beltline.serving")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "PATCH"})
_MODEL = "/v1/models/{model}"
_ROUTES = {"status": _MODEL, "metadata": f"{_MODEL}/metadata"}
_ROUTES |= {method: f"{_MODEL}:{method}" for method in ("predict", "classify", "regress")}
_ROUTES |= {page: f"/{page}" for page in ("healthz", "readyz", "metrics", "openapi.json", "docs")}
_ROUTES |= {page: f"/{page}" for page in ("v2", "v2/health/live", "v2/health/ready")}
_INFERENCE = "/v2/models/{model}"
_ROUTES |= {"model_metadata": _INFERENCE, "model_ready": f"{_INFERENCE}/ready"}
_ROUTES |= {"infer": f"{_INFERENCE}/infer"}


def tracing_from_environment(name: str) -> Tracing | None:
    """Returns the tracing that the environment asks for; None if it asks for none.

    Args:
      name: the service's, if the environment has none.
    """
    if not _is_asked_for():
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _LOG.warning("no traces are sent: %s; install the extra `beltline[tracing]`", error)
        return None
    return Tracing(name, BatchSpanProcessor(OTLPSpanExporter()))


class Tracing:
    """The traces of one server.

    Args:
      name: the service's, if the environment has none.
      processor: what takes the spans that have ended.
    """

    def __init__(self, name: str, processor: SpanProcessor) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = Resource.create(None if named else {"service.name": name})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("beltline.serving")

    def begin(
        self,
        scope: Scope,
        request: CurrentRequest,
        forwarded: Forwarded | None,
        trace: TraceContext | None,
    ) -> ServerSpan:
        """Starts the span of a request, in the caller's trace if there is one.

        The request gets the span's trace, and phases to be recorded if the span is.
        """
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            _method(scope),
            context=_remote(trace),
            kind=SpanKind.SERVER,
            attributes=_attributes(scope, request, forwarded),
        )
        found = span.get_span_context()
        request.trace_id = f"{found.trace_id:032x}"
        if span.is_recording():
            request.phases = []
        context = TraceContext(
            request.trace_id,
            f"{found.span_id:016x}",
            found.trace_flags.sampled,
            found.trace_state.to_header(),
        )
        return ServerSpan(self._tracer, span, _method(scope), context)

    def close(self) -> None:
        """Sends the spans that wait."""
        self._provider.shutdown()


@dataclass(frozen=True, slots=True)
class ServerSpan:
    """The span of one request."""

    tracer: Tracer
    span: Span
    method: str
    context: TraceContext

    def end(self, request: CurrentRequest, endpoint: str, status: int, sent: int) -> None:
        """Ends it.

        Args:
          request: what is known of it in the end.
          endpoint: its name for the metrics.
          status: that of the response.
          sent: bytes of the response's body.
        """
        if self.span.is_recording():
            self._add_phases(request)
            self._describe(request, endpoint, status, sent)
        self.span.end()

    def _add_phases(self, request: CurrentRequest) -> None:
        from opentelemetry.trace import set_span_in_context

        context = set_span_in_context(self.span)
        for name, begun, ended in request.phases or ():
            child = self.tracer.start_span(name, context=context, start_time=begun)
            child.end(end_time=ended)

    def _describe(self, request: CurrentRequest, endpoint: str, status: int, sent: int) -> None:
        from opentelemetry.trace import StatusCode

        found: dict[str, AttributeValue] = {
            "http.response.status_code": status,
            "http.request.body.size": request.received,
            "http.response.body.size": sent,
        }
        route = _ROUTES.get(endpoint)
        if route:
            found["http.route"] = route
            self.span.update_name(f"{self.method} {route}")
        if request.version is not None:
            found["beltline.model.version"] = request.version
        if request.rows is not None:
            found["beltline.rows"] = request.rows
        if status >= 500:
            found["error.type"] = str(status)
            self.span.set_status(StatusCode.ERROR)
        self.span.set_attributes(found)


def _is_asked_for() -> bool:
    named = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or named == "none":
        return False
    return named == "otlp" or any(os.environ.get(each) for each in _ENDPOINTS)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "HTTP"


def _remote(trace: TraceContext | None) -> Context | None:
    """Returns the caller's trace as OpenTelemetry has it."""
    from opentelemetry import trace as otel

    if trace is None:
        return None
    remote = otel.SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=True,
        trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED * trace.sampled),
        trace_state=otel.TraceState.from_header([trace.state] if trace.state else []),
    )
    return otel.set_span_in_context(otel.NonRecordingSpan(remote))


def _attributes(
    scope: Scope, request: CurrentRequest, forwarded: Forwarded | None
) -> dict[str, AttributeValue]:
    """Returns what is known of a request when it begins; see the semantic conventions."""
    headers = dict(scope["headers"])
    method = _method(scope)
    found: dict[str, AttributeValue] = {
        "http.request.method": method if method != "HTTP" else "_OTHER",
        "url.path": _cut(scope["raw_path"]),
        "url.scheme": (forwarded and forwarded.scheme) or scope["scheme"],
        "client.address": request.client,
        "network.peer.address": peer_address(scope),
        "network.protocol.version": scope["http_version"],
        "beltline.request_id": request.id,
    }
    if method == "HTTP":
        found["http.request.method_original"] = scope["method"]
    if b"user-agent" in headers:
        found["user_agent.original"] = _cut(headers[b"user-agent"])
    host = (forwarded and forwarded.host) or headers.get(b"host", b"")
    return found | _server(_cut(host))


def _cut(text: bytes) -> str:
    """Returns a text as it is kept until it is sent."""
    return text[:MOST_TEXT].decode("latin-1")


def _server(host: str) -> dict[str, AttributeValue]:
    try:
        place = urlsplit(f"//{host}")
        found: dict[str, AttributeValue] = {"server.address": place.hostname or ""}
        if place.port is not None:
            found["server.port"] = place.port
    except ValueError:
        return {}
    return found if place.hostname else {}
