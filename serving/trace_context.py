"""The trace that a caller's request belongs to: W3C Trace Context, level 1.

An invalid `traceparent` is ignored, and an invalid `tracestate` too, as the specification asks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    rb"(?P<rest>-.*)?"
)
_KEY = rb"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_MEMBER = re.compile(_KEY + rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_MOST_MEMBERS = 32
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A caller's place in a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """The caller's span, 16 hexadecimal digits."""
    sampled: bool
    """Whether the caller may have recorded it."""
    state: str = ""
    """What vendors add to it, as in `tracestate`."""

    @property
    def parent(self) -> str:
        """The value of `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"


def parse_trace(parents: Sequence[bytes], states: Sequence[bytes]) -> TraceContext | None:
    """Returns the caller's trace; None if there is none, or an invalid one.

    Args:
      parents: the values of every header `traceparent`.
      states: the values of every header `tracestate`, in order.
    """
    if len(parents) != 1:
        return None
    found = _PARENT.fullmatch(parents[0].strip(b" \t"))
    if found is None or found["version"] == b"ff" or (found["version"] == b"00" and found["rest"]):
        return None
    if not found["trace"].strip(b"0") or not found["span"].strip(b"0"):
        return None
    return TraceContext(
        found["trace"].decode(),
        found["span"].decode(),
        bool(int(found["flags"], 16) & _SAMPLED),
        _state(states),
    )


def _state(headers: Sequence[bytes]) -> str:
    members = [each.strip(b" \t") for header in headers for each in header.split(b",")]
    members = [each for each in members if each]
    keys = {each.partition(b"=")[0] for each in members}
    valid = all(map(_MEMBER.fullmatch, members)) and len(keys) == len(members) <= _MOST_MEMBERS
    return b",".join(members).decode() if valid else ""
