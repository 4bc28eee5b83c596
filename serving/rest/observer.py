"""Observes requests: an id for each, its trace, its client, and its line in the access log.

The id and the trace are returned in the response's headers, and are in the log's messages about the
request. An id of the caller's is kept, so that one request has one id in all logs on its way.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beltline.serving.current_request import CurrentRequest, set_current_request
from beltline.serving.options import Options
from beltline.serving.rest.access_log import MOST_TEXT, AccessLine, AccessLog
from beltline.serving.rest.forwarding import Forwarded, Forwarding, peer_address
from beltline.serving.rest.pages import UNPROTECTED
from beltline.serving.rest.responses import Response, Scope
from beltline.serving.trace_context import TraceContext, parse_trace

if TYPE_CHECKING:
    from beltline.serving.tracing import ServerSpan, Tracing

_ID = b"x-request-id"
_PARENT = b"traceparent"
_STATE = b"tracestate"
_AGENT = b"user-agent"
_IDENTIFYING = frozenset({_ID, _PARENT, _STATE})
_VALID_ID = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
_PROBES = frozenset(path.strip("/") for path in UNPROTECTED)
# As nginx writes it: the client disconnected before it was answered.
_DISCONNECTED = 499


@dataclass(slots=True)
class Observed(CurrentRequest):
    """A request, from its begin to its end."""

    agent: bytes = b""
    forwarded: Forwarded | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    """Those of the response that tell the caller its id and its trace."""
    begun: float = 0.0
    """In seconds since the epoch."""
    started: float = 0.0
    """On the clock that measures how long it takes."""
    span: ServerSpan | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.started


class Observer:
    """Observes the requests of one server.

    Raises:
      WrongInput: the access log can't be written.
    """

    def __init__(self, options: Options, tracing: Tracing | None = None) -> None:
        place = options.limits.access_log
        self.access_log = AccessLog(place) if place else None
        self._forwarding = Forwarding(options.limits.trusted_proxies)
        self._tracing = tracing

    def begin(self, scope: Scope) -> Observed:
        """Identifies a request, and makes it the current one of the running task."""
        started = time.perf_counter()
        agent = b""
        given: dict[bytes, list[bytes]] | None = None
        for name, value in scope["headers"]:
            if name == _AGENT:
                agent = value
            elif name in _IDENTIFYING:
                given = given or {}
                given.setdefault(name, []).append(value)
        forwarded = self._forwarding.read(scope)
        client = forwarded.client if forwarded else peer_address(scope)
        found = Observed(f"{random.getrandbits(128):032x}", client)
        found.agent, found.forwarded = agent, forwarded
        found.begun, found.started = time.time(), started
        trace = _identify(found, given) if given else None
        if self._tracing is not None:
            found.span = self._tracing.begin(scope, found, forwarded, trace)
            trace = found.span.context
        found.headers = _headers(found, trace)
        set_current_request(found)
        return found

    def end(self, scope: Scope, observed: Observed, endpoint: str, found: Response | None) -> None:
        """Logs and traces a request that was answered, or whose client has disconnected."""
        status = found.status if found else _DISCONNECTED
        sent = len(found.body) if found and scope["method"] != "HEAD" else 0
        if observed.span is not None:
            observed.span.end(observed, endpoint, status, sent)
        if self.access_log is None or (endpoint in _PROBES and status == 200):
            return
        line = AccessLine(
            time=observed.begun,
            request_id=observed.id,
            client=observed.client,
            method=scope["method"],
            path=scope["raw_path"][: MOST_TEXT + 1],
            status=status,
            seconds=observed.seconds,
            request_bytes=observed.received,
            response_bytes=sent,
            version=observed.version,
            rows=observed.rows,
            user_agent=observed.agent[: MOST_TEXT + 1],
            trace_id=observed.trace_id,
        )
        self.access_log.add(line)

    def close(self) -> None:
        """Writes what waits to be logged."""
        if self.access_log is not None:
            self.access_log.close()


def _identify(
    request: CurrentRequest, given: Mapping[bytes, Sequence[bytes]]
) -> TraceContext | None:
    """Takes over the caller's id, unless that is too odd to keep; returns the caller's trace."""
    ids = given.get(_ID, ())
    if len(ids) == 1 and _VALID_ID.fullmatch(ids[0]):
        request.id = ids[0].decode("ascii")
    trace = parse_trace(given.get(_PARENT, ()), given.get(_STATE, ()))
    if trace is not None:
        request.trace_id = trace.trace_id
    return trace


def _headers(request: CurrentRequest, trace: TraceContext | None) -> list[tuple[bytes, bytes]]:
    """Returns those of the response."""
    headers = [(_ID, request.id.encode())]
    if trace is not None:
        headers.append((_PARENT, trace.parent.encode()))
        if trace.state:
            headers.append((_STATE, trace.state.encode()))
    return headers
