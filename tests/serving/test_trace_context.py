"""The examples and the rules of W3C Trace Context."""

import pytest

from beltline.serving.trace_context import parse_trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01".encode()


@pytest.mark.parametrize(("flags", "sampled"), [(b"00", False), (b"01", True), (b"ff", True)])
def test_a_trace(flags, sampled):
    found = parse_trace([PARENT[:-2] + flags], [])
    assert (found.trace_id, found.span_id, found.sampled) == (TRACE, SPAN, sampled)
    # Flags that this version does not know are not passed on.
    assert found.parent == f"00-{TRACE}-{SPAN}-0{int(sampled)}"


def test_a_later_version_is_read_as_far_as_it_is_known():
    for parent in (b"cc" + PARENT[2:], b"cc" + PARENT[2:] + b"-what-ever"):
        assert parse_trace([parent], []).trace_id == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        b"00",
        PARENT + b"-01",
        PARENT + b".",
        PARENT[:-1],
        PARENT.upper(),
        b"ff" + PARENT[2:],
        b"cc" + PARENT[2:] + b".what-ever",
        PARENT.replace(TRACE.encode(), b"0" * 32),
        PARENT.replace(SPAN.encode(), b"0" * 16),
        PARENT.replace(b"-", b"_"),
        PARENT[:-2] + b"0g",
    ],
)
def test_an_invalid_trace_is_ignored(parent):
    assert parse_trace([parent], [b"a=b"]) is None


def test_two_traces_are_none():
    assert parse_trace([PARENT, PARENT], []) is None
    assert parse_trace([], [b"a=b"]) is None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ([b"a=1", b"b=2"], "a=1,b=2"),
        ([b" a=1 ,\t b=2, ,"], "a=1,b=2"),
        ([b"0tenant@vendor=x y"], "0tenant@vendor=x y"),
        ([b""], ""),
        ([b"A=1"], ""),
        ([b"0a=1"], ""),
        ([b"a="], ""),
        ([b"a"], ""),
        ([b"a=b=c"], ""),
        ([b"a=1,a=2"], ""),
        ([b"a=\x1b[2J"], ""),
        ([b"a=" + b"x" * 256], "a=" + "x" * 256),
        ([b"a=" + b"x" * 257], ""),
        ([b",".join(b"k%d=v" % n for n in range(32))], ",".join(f"k{n}=v" for n in range(32))),
        ([b",".join(b"k%d=v" % n for n in range(33))], ""),
    ],
)
def test_the_state_of_vendors(states, expected):
    assert parse_trace([PARENT], states).state == expected
