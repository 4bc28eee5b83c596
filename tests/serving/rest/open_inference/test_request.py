import json

import numpy as np
import pytest

from beltline.serving.rest.open_inference.request import JSON_LENGTH, parse_request, split
from beltline.serving.rest.responses import HttpError
from beltline.versions.loaded.signature import Signature, Tensor
from tests.serving.servables.counting import Counting

FLOAT = Tensor("", np.dtype(np.float32), (None,))
X = {"name": "x", "shape": [1], "datatype": "FP32", "data": [0.5]}


def signature(name, *outputs):
    return Signature(name, "", {"x": FLOAT}, dict.fromkeys(outputs, FLOAT), {"x": "x"}, None)


def parse(text=None, **document):
    servable = Counting()
    servable.signatures = {
        "serving_default": signature("serving_default", "a", "b"),
        "other": signature("other", "c"),
    }
    body = text or json.dumps({"inputs": [X], **document}).encode()
    return parse_request(servable, "line", (body, None), 10)[0]


def test_all_outputs_in_json_unless_it_says_otherwise():
    found = parse(id="42")
    assert (found.id, found.outputs) == ("42", {"a": False, "b": False})
    assert parse(outputs=[]).outputs == {"a": False, "b": False}
    nothing = parse(id=None, outputs=None, parameters=None)
    assert (nothing.id, nothing.outputs) == (None, {"a": False, "b": False})
    assert parse(parameters={"binary_data_output": True}).outputs == {"a": True, "b": True}


def test_the_outputs_that_are_asked_for_in_their_order():
    binary, plain = ({"parameters": {"binary_data": each}} for each in (True, False))
    found = parse(outputs=[{"name": "b", **binary}, {"name": "a"}]).outputs
    assert list(found.items()) == [("b", True), ("a", False)]
    asked = {"parameters": {"binary_data_output": True}}
    assert parse(**asked, outputs=[{"name": "b", **plain}, {"name": "a"}]).outputs == {
        "b": False,
        "a": True,
    }


def test_the_signature_may_be_named():
    found = parse(parameters={"signature_name": "other"})
    assert (found.signature.name, found.outputs) == ("other", {"c": False})


def test_the_model_may_be_named():
    assert parse(model_name="line").outputs
    with pytest.raises(HttpError, match='\'model_name\' is "x", and the path addresses "line"'):
        parse(model_name="x")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"input": []}, "did you mean 'inputs'?"),
        ({"id": 7}, "'id' is 7, not a text"),
        ({"outputs": {}}, "'outputs' is {}, not a list"),
        ({"outputs": ["a"]}, "item 0 of 'outputs' is not an object"),
        ({"outputs": [{"name": "aa"}]}, "unknown output: \"aa\"; did you mean 'a'?; allowed: a, b"),
        ({"outputs": [{}]}, "unknown output: null"),
        ({"outputs": [{"name": "a"}, {"name": "a"}]}, 'output "a" is asked for twice'),
        ({"outputs": [{"name": "a", "datatype": "FP32"}]}, 'unknown property "datatype"'),
        ({"outputs": [{"name": "a", "parameters": {"classification": 2}}]}, "not supported"),
        ({"parameters": {"signature_name": "x"}}, '"x" not found in signature def'),
        ({"parameters": {"signature_name": 1}}, "must be a string value"),
        ({"parameters": {"binary_data_output": "yes"}}, "allowed: true, false"),
    ],
)
def test_invalid_requests(document, why):
    with pytest.raises(HttpError) as caught:
        parse(**document)
    assert caught.value.status == 400
    assert why in str(caught.value)


def test_an_id_with_half_of_a_surrogate_pair():
    with pytest.raises(HttpError, match="half of a surrogate pair"):
        parse(b'{"id": "\\ud800", "inputs": [], "parameters": {"x": NaN}}')


def test_where_the_json_ends():
    assert split(b'{"a":1}', [(b"content-length", b"7")]) == (b'{"a":1}', None)
    text, binary = split(b'{"a":1}xyz', [(b"host", b"x"), (JSON_LENGTH, b"7")])
    assert (text, bytes(binary)) == (b'{"a":1}', b"xyz")
    assert bytes(split(b"{}", [(JSON_LENGTH, b"2")])[1]) == b""


@pytest.mark.parametrize("length", [b"", b"-1", b"3", b"x", b"1.0", b"9" * 5_000, b"\xb2"])
def test_a_header_that_is_no_length_of_the_json(length):
    with pytest.raises(HttpError, match="is not the length of the JSON in a body of 2 bytes"):
        split(b"{}", [(JSON_LENGTH, length)])
