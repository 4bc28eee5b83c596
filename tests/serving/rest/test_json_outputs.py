import json
import math

import numpy as np
import orjson
import pytest

from beltline.serving.rest import json_outputs
from beltline.serving.rest.responses import HttpError


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_rows_of_several_outputs():
    outputs = {"probability": np.array([0.2, 1], np.float32), "class": texts(b"ok", "é".encode())}
    assert (
        json_outputs.rows(outputs, 3)
        == (
            '{"predictions":[{"probability":0.2,"class":"ok"},{"probability":1.0,"class":"é"}],'
            '"version":"3"}'
        ).encode()
    )


def test_rows_of_one_output_are_plain_values():
    assert orjson.loads(json_outputs.rows({"y": np.array([[1, 2], [3, 4]], np.int64)}, 1)) == {
        "predictions": [[1, 2], [3, 4]],
        "version": "1",
    }
    assert json_outputs.rows({"y": texts(b"a")}, 1) == b'{"predictions":["a"],"version":"1"}'


def test_columns():
    outputs = {"y": np.array([0.5], np.float32), "z": np.array([True])}
    assert orjson.loads(json_outputs.columns(outputs, 2)) == {
        "outputs": {"y": [0.5], "z": [True]},
        "version": "2",
    }
    assert orjson.loads(json_outputs.columns({"y": np.array(7)}, 2))["outputs"] == 7
    assert orjson.loads(json_outputs.columns({"y": np.array(b"a", object)}, 2))["outputs"] == "a"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, b"0.1"),
        (1, b"1.0"),
        (9e6, b"9000000.0"),
        (3e-5, b"0.00003"),
        (1e-8, b"1e-8"),
        (16777217, b"16777216.0"),
    ],
)
def test_floats_have_the_fewest_digits_and_a_point(value, text):
    answer = json_outputs.rows({"y": np.array([value], np.float32)}, 1)
    assert answer == b'{"predictions":[%b],"version":"1"}' % text


def test_nan_and_infinity_are_tokens():
    outputs = {
        "y": np.array([np.nan, np.inf], np.float32),
        "z": np.array([[0.1, -np.inf], [1, 2]], np.float32),
        "t": texts(b"null", b"\xc3\xa9"),
    }
    answer = json_outputs.rows(outputs, 1)
    assert b"NaN" in answer
    assert b"-Infinity" in answer
    first, second = json.loads(answer)["predictions"]
    assert math.isnan(first["y"])
    assert (first["z"], second["y"], second["z"]) == ([0.1, -math.inf], math.inf, [1.0, 2.0])
    assert (first["t"], second["t"]) == ("null", "é")


def test_bytes():
    outputs = {"image_bytes": texts(b"\xff\xd8", b""), "text": texts(b"\xff", b"a")}
    rows = orjson.loads(json_outputs.rows(outputs, 1))["predictions"]
    assert rows == [
        {"image_bytes": {"b64": "/9g="}, "text": "�"},
        {"image_bytes": {"b64": ""}, "text": "a"},
    ]
    # The suffix says nothing of numbers.
    assert b"[1]" in json_outputs.columns({"size_bytes": np.array([1])}, 1)


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ({"a": np.array(1)}, "Tensor name: a has no shape information"),
        (
            {"a": np.array([1]), "b": np.array([1, 2])},
            "Tensor name: b has inconsistent batch size: 2 expecting: 1",
        ),
    ],
)
def test_outputs_without_a_value_for_each_row(outputs, why):
    with pytest.raises(HttpError, match=why):
        json_outputs.rows(outputs, 1)
