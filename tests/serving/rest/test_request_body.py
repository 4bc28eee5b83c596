import asyncio
import gzip
import math

import pytest

from beltline.serving.rest import request_body
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.request_body import BodyReader, check_properties, parse_json, shown
from beltline.serving.rest.responses import ClientDisconnected, HttpError


@pytest.fixture
def bodies(monkeypatch):
    monkeypatch.setattr(request_body, "_SMALL", 0)
    parsing = Parsing()
    yield BodyReader(100 / 2**20, parsing)
    parsing.close()


def read(bodies, *parts, **headers):
    """Reads a body that comes in parts; None stands for a client that disconnects."""
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
    with pytest.raises(HttpError) as caught:
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
        # Longer than its Content-Length.
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


def test_large_bodies_do_not_keep_small_ones_out(bodies, monkeypatch):
    monkeypatch.setattr(request_body, "_SMALL", 10)
    held = [read(bodies, b"x" * 60, b"x" * 40) for _ in range(4)]
    read(bodies, b"x" * 50)
    assert refusal(bodies, b"x" * 60).status == 503
    assert read(bodies, b"x" * 5, b"x" * 5) == b"x" * 10
    for body in held:
        bodies.release(body)
    assert bodies.held == 40


def test_a_client_that_disconnects(bodies):
    with pytest.raises(ClientDisconnected):
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


def invalid(body):
    with pytest.raises(HttpError) as caught:
        parse_json(body)
    assert caught.value.status == 400
    return str(caught.value)


def test_an_object():
    assert parse_json(b' {"instances": [1, 2.5, "\xc3\xa9", null, true]} ') == {
        "instances": [1, 2.5, "é", None, True]
    }


def test_tokens_beyond_json():
    found = parse_json(b'{"a": [NaN, Infinity, -Infinity, 1], "b": "NaN"}')
    assert math.isnan(found["a"][0])
    assert found["a"][1:] == [math.inf, -math.inf, 1]


def test_the_last_of_a_key_given_twice():
    assert parse_json(b'{"a": 1, "a": 2}') == parse_json(b'{"a": NaN, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error: unexpected character"),
        (b'{"a": [1, 2', "at offset: 11"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": NaN, "b": "\xff"}', "utf-8"),
        (b'{"a": "\x00"}', "control character"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": NaN, "b": }', "at offset: 16"),
        (b'{"a": 1e999}', "infinity"),
        (b'{"a": 1e999, "b": NaN}', "infinity"),
        (b'{"a": -1e999, "b": "NaN"}', "infinity"),
        (b'{"a": [Infinity, 1' + b"0" * 400 + b".5]}", "infinity"),
        (b'{"a": NaN, "b": ' + b"1" * 5000 + b"}", "limit"),
        (b"[" * 100_000, "depth limit"),
        (b'{"a": NaN, "b": ' + b"[" * 100_000, "nested too deep"),
        (b"{" + b'"a":{' * 100_000, "depth limit"),
        (b"[1]", "JSON Value: [1] Is not object"),
        (b"NaN", "JSON Value: NaN Is not object"),
        (b'"text"', 'JSON Value: "text" Is not object'),
        (b"\x00", "JSON Parse error"),
        ('{"a": 1}'.encode("utf-16"), "JSON Parse error"),
        (b"\xef\xbb\xbf{}", "JSON Parse error"),
    ],
)
def test_bodies_that_are_not_an_object(body, why):
    assert why in invalid(body)


def test_values_in_messages_are_short_json():
    assert shown({"a": [None, True, 0.5, "é"]}) == '{"a": [null, true, 0.5, "é"]}'
    assert shown(math.nan) == "NaN"
    assert len(shown({str(number): ["x" * 1000] * 1000 for number in range(1000)})) < 1000
    assert len(shown([[[[[[1]]]]]])) < 30


def test_the_names_of_a_large_object_are_not_sorted_to_show_a_few():
    found = shown({f"a{number}": number for number in reversed(range(1000))})
    assert found.startswith('{"a991": 991, "a992": 992')


def test_an_unknown_property_is_an_error_with_the_nearest_name():
    allowed = frozenset({"instances", "inputs", "signature_name"})
    check_properties({"instances": [], "signature_name": ""}, allowed)
    for name, nearest in (("instnaces", "instances"), ("signature_nme", "signature_name")):
        with pytest.raises(HttpError) as caught:
            check_properties({"inputs": [], name: 1}, allowed)
        assert caught.value.status == 400
        assert str(caught.value) == (
            f"unknown property \"{name}\" in the request; did you mean '{nearest}'?; "
            "allowed: inputs, instances, signature_name"
        )
    with pytest.raises(HttpError) as caught:
        check_properties({"x" * 500_000: 1}, allowed)
    assert len(str(caught.value)) < 500
