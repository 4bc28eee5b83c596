"""The request that is being handled, for whoever has something to say of it.

Each request runs in a task of its own, and so has a context of its own. What reads a body, finds a
version or runs the model notes it here; the access log, the error log and the trace read it.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass

Phase = tuple[str, int, int]
"""A name, a begin and an end, in nanoseconds since the epoch."""


@dataclass(slots=True)
class CurrentRequest:
    """What is known of a request so far."""

    id: str
    """The caller's own, if it is well formed; else one made here."""
    client: str
    """The client's address; empty if it is unknown."""
    trace_id: str | None = None
    """32 hexadecimal digits; None if the request belongs to no trace."""
    version: int | None = None
    """The version that it addresses."""
    rows: int | None = None
    """Rows that the model answered."""
    received: int = 0
    """Bytes of its body that were read."""
    phases: list[Phase] | None = None
    """What took how long; None if nobody traces it."""


_CURRENT: ContextVar[CurrentRequest | None] = ContextVar("request", default=None)


def set_current_request(request: CurrentRequest) -> None:
    """Makes this the request of the running task."""
    _CURRENT.set(request)


def current_request() -> CurrentRequest | None:
    """Returns the request of the running task; None outside of one."""
    return _CURRENT.get()


def add_phase(name: str, begun: int) -> None:
    """Records that a phase of the current request, if it is traced, ends now."""
    request = _CURRENT.get()
    if request is not None and request.phases is not None:
        request.phases.append((name, begun, time.time_ns()))
