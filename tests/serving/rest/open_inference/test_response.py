import json
import math

import numpy as np
import pytest

from beltline.serving.rest.open_inference.request import InferRequest
from beltline.serving.rest.open_inference.response import response
from beltline.serving.rest.responses import HttpError

OUTPUTS = {
    "probability": np.array([0.1, 0.75], np.float32),
    "class": np.array([b"no", "é".encode()], object),
    "matrix": np.array([[1, 2], [3, 4]]),
    "sure": np.array([True, False]),
    "image_bytes": np.array([b"\xff", b""], object),
}


def answer(outputs=OUTPUTS, id_=None, **asked):
    request = InferRequest(id_, None, asked or dict.fromkeys(outputs, False))
    return response(request, "line", 3, outputs)


def test_outputs_in_json():
    found = answer(id_="42")
    assert found.content_type == b"application/json"
    assert found.headers == ()
    assert json.loads(found.body) == {
        "model_name": "line",
        "model_version": "3",
        "id": "42",
        "outputs": [
            {"name": "probability", "datatype": "FP32", "shape": [2], "data": [0.1, 0.75]},
            {"name": "class", "datatype": "BYTES", "shape": [2], "data": ["no", "é"]},
            {"name": "matrix", "datatype": "INT64", "shape": [2, 2], "data": [1, 2, 3, 4]},
            {"name": "sure", "datatype": "BOOL", "shape": [2], "data": [True, False]},
            {
                "name": "image_bytes",
                "datatype": "BYTES",
                "shape": [2],
                "data": [{"b64": "/w=="}, {"b64": ""}],
            },
        ],
    }
    assert b'"id"' not in answer().body


def test_outputs_in_binary_data_follow_the_json():
    asked = dict.fromkeys(("class", "matrix", "sure", "probability"), True) | {"matrix": False}
    found = answer(**asked)
    assert found.content_type == b"application/octet-stream"
    [(name, length)] = found.headers
    assert name == b"inference-header-content-length"
    document = json.loads(found.body[: int(length)])
    assert [each["name"] for each in document["outputs"]] == list(asked)
    sizes = [each.get("parameters", {}).get("binary_data_size") for each in document["outputs"]]
    assert sizes == [12, None, 2, 8]
    assert found.body[int(length) :] == (
        b"\x02\0\0\0no\x02\0\0\0\xc3\xa9" + b"\x01\0" + OUTPUTS["probability"].tobytes()
    )


def test_outputs_that_are_no_numbers():
    found = answer({"y": np.array([math.nan, math.inf, 0.5], np.float32)})
    assert b'"data": [NaN, Infinity, 0.5]' in found.body


def test_an_output_without_dimensions():
    [found] = json.loads(answer({"y": np.array(0.5)}).body)["outputs"]
    assert (found["shape"], found["data"]) == ([], [0.5])


def test_an_output_of_a_type_that_the_protocol_does_not_have():
    with pytest.raises(HttpError, match="output y is of type COMPLEX64"):
        answer({"y": np.array([1j], np.complex64)})
