import asyncio
import gzip
from pathlib import Path

import pytest

from beltline.serving.options import Options
from beltline.serving.rest.bodies import Bodies
from beltline.serving.rest.errors import Gone, Refused


@pytest.fixture
def bodies():
    return Bodies(Options("line", Path("line"), max_request_mb=100 / 2**20))


def read(bodies, *parts, **headers):
    """Reads a body that comes in parts; one of None says that the caller went away."""
    named = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    messages = [
        {"type": "http.disconnect"}
        if part is None
        else {"type": "http.request", "body": part, "more_body": place < len(parts)}
        for place, part in enumerate(parts, 1)
    ]

    async def receive():
        return messages.pop(0)

    return asyncio.run(bodies.read({"headers": named}, receive))


def refusal(bodies, *parts, **headers):
    held = bodies.held
    with pytest.raises(Refused) as caught:
        read(bodies, *parts, **headers)
    assert bodies.held == held
    return caught.value


def test_bodies_are_held_until_they_are_released(bodies):
    first, second = read(bodies, b"ab", b"cd"), read(bodies, b"e")
    assert (first, second, bodies.held) == (b"abcd", b"e", 5)
    bodies.release(first)
    bodies.release(second)
    assert bodies.held == 0


def test_the_largest_body(bodies):
    assert len(read(bodies, b"x" * 60, b"x" * 40, content_length="100")) == 100


@pytest.mark.parametrize(
    ("parts", "headers"),
    [
        ([], {"content_length": "101"}),
        ([b"x" * 101], {}),
        # It says less than it sends.
        ([b"x" * 60, b"x" * 60, b"never read"], {"content_length": "3"}),
        ([gzip.compress(b"x" * 101, mtime=0)], {"content_encoding": "gzip"}),
    ],
)
def test_a_body_that_is_too_large(bodies, parts, headers):
    assert refusal(bodies, *parts, **headers).status == 413


def test_too_many_at_once(bodies):
    for _ in range(4):
        read(bodies, b"x" * 100)
    refused = refusal(bodies, b"x")
    assert (refused.status, refused.headers) == (503, ((b"retry-after", b"1"),))
    bodies.release(b"x" * 100)
    assert read(bodies, b"x") == b"x"


def test_a_caller_that_goes_away(bodies):
    with pytest.raises(Gone):
        read(bodies, b"x" * 60, None)
    assert bodies.held == 0


def test_gzip(bodies):
    packed = gzip.compress(b"x" * 100)
    assert read(bodies, packed[:5], packed[5:], content_encoding="GZIP") == b"x" * 100
    assert bodies.held == 100


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"no gzip", "gzip", 400),
        (gzip.compress(b"x" * 90, mtime=0)[:-9], "gzip", 400),
        (b"", "gzip", 400),
        (b"x", "br", 415),
        (b"x", "gzip, gzip", 415),
    ],
)
def test_bodies_in_the_wrong_encoding(bodies, body, encoding, status):
    assert refusal(bodies, body, content_encoding=encoding).status == status
