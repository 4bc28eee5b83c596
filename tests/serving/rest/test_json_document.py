import math

import pytest

from beltline.serving.rest.errors import Refused
from beltline.serving.rest.json_document import document, shown


def refusal(body):
    with pytest.raises(Refused) as caught:
        document(body)
    assert caught.value.status == 400
    return str(caught.value)


def test_an_object():
    assert document(b' {"instances": [1, 2.5, "\xc3\xa9", null, true]} ') == {
        "instances": [1, 2.5, "é", None, True]
    }


def test_tokens_that_json_does_not_have():
    found = document(b'{"a": [NaN, Infinity, -Infinity, 1], "b": "NaN"}')
    assert math.isnan(found["a"][0])
    assert found["a"][1:] == [math.inf, -math.inf, 1]


def test_the_last_of_a_key_given_twice():
    assert document(b'{"a": 1, "a": 2}') == document(b'{"a": NaN, "a": 2}') == {"a": 2}


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
def test_what_is_no_object(body, why):
    assert why in refusal(body)


def test_values_in_messages_are_short_json():
    assert shown({"a": [None, True, 0.5, "é"]}) == '{"a": [null, true, 0.5, "é"]}'
    assert shown(math.nan) == "NaN"
    assert len(shown({str(number): ["x" * 1000] * 1000 for number in range(1000)})) < 1000
    assert len(shown([[[[[[1]]]]]])) < 30
