import math

import numpy as np
import pytest

from beltline.serving.rest.json_size import MAX_VALUES
from beltline.serving.rest.open_inference.inputs import InputReader
from beltline.serving.rest.responses import HttpError
from beltline.versions.loaded.signature import Signature, Tensor

NUMBER, TEXT = (Tensor("", np.dtype(kind), (None,)) for kind in (np.float32, object))
PAIR, ONE = (Tensor("", np.dtype(np.int32), (None, length)) for length in (2, 1))
INPUTS = {"heat": NUMBER, "mold": TEXT, "pair": PAIR, "one": ONE}
SIGNATURE = Signature("s", "", INPUTS, {}, {"heat": "heat (°C)"}, None)
HEAT = {"name": "heat (°C)", "shape": [2], "datatype": "FP32", "data": [0.5, None]}


def read(*inputs, binary=None, rows=100):
    data = None if binary is None else memoryview(binary)
    return InputReader(SIGNATURE, data, rows).columns(list(inputs))


def refusal(*inputs, **how):
    with pytest.raises(HttpError) as caught:
        read(*inputs, **how)
    assert caught.value.status == 400
    return str(caught.value)


def test_columns_by_their_names():
    mold = {"name": "mold", "shape": [2], "datatype": "BYTES", "data": ["M1", "M2"]}
    assert read(HEAT, mold) == {"heat (°C)": [0.5, None], "mold": ["M1", "M2"]}


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]])
def test_data_are_flat_or_nested(data):
    pair = {"name": "pair", "shape": [2, 2], "datatype": "INT32", "data": data}
    assert read(pair) == {"pair": [[1, 2], [3, 4]]}


@pytest.mark.parametrize("data", [[1, 2], [[1], [2]]])
@pytest.mark.parametrize("name", ["heat", "heat (°C)", "an id that the model doesn't read"])
def test_a_column_with_a_value_a_row_may_have_a_second_dimension(name, data):
    column = {"name": name, "shape": [2, 1], "datatype": "INT32", "data": data}
    assert read(column) == {name: [1, 2]}
    # Not where the model has one.
    assert read({**column, "name": "one"}) == {"one": [[1], [2]]}


def test_binary_data_follow_in_the_order_of_the_inputs():
    heat = {**HEAT, "parameters": {"binary_data_size": 8}}
    del heat["data"]
    mold = {"name": "mold", "shape": [1, 1], "datatype": "BYTES"}
    mold["parameters"] = {"binary_data_size": 6, "content_type": "str"}
    pair = {"name": "pair", "shape": [1, 2], "datatype": "INT32", "data": [1, 2]}
    sent = np.array([0.1, math.inf], "<f4").tobytes() + b"\x02\0\0\0M1"
    assert read(heat, pair, mold, binary=sent) == {
        "heat (°C)": [0.1, math.inf],
        "pair": [[1, 2]],
        "mold": ["M1"],
    }
    assert "1 bytes of the binary data belong to no input" in refusal(
        heat, pair, mold, binary=sent + b"x"
    )
    assert "13 bytes" in refusal(HEAT, binary=sent[:13])
    assert 'input "mold": binary_data_size is 6, and 5 bytes are left' in refusal(
        heat, mold, binary=sent[:-1]
    )
    assert "no header Inference-Header-Content-Length" in refusal(heat)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": None}, "item 0 of 'inputs' has no name"),
        ({"dat": [1]}, "did you mean 'data'?"),
        ({"datatype": "FP33"}, "unknown datatype: \"FP33\"; did you mean 'FP32'?; allowed: BOOL"),
        ({"datatype": None}, "unknown datatype: null"),
        ({"datatype": "BF16"}, "unknown datatype"),
        ({"shape": []}, "of which the first is the number of rows"),
        ({"shape": [-1]}, "is not a list of 1 to 16 lengths"),
        ({"shape": [2.0]}, "is not a list of 1 to 16 lengths"),
        ({"shape": [True]}, "is not a list of 1 to 16 lengths"),
        ({"shape": [1] * 17}, "is not a list of 1 to 16 lengths"),
        ({"shape": 2}, "is not a list of 1 to 16 lengths"),
        ({"shape": [3]}, "'data' has the shape [2], which is not that of [3]"),
        ({"shape": [2, 0]}, "'data' has the shape [2]"),
        ({"shape": [101]}, "the request has 101 rows; at most 100 allowed"),
        ({"shape": [1, 2**40, 0, 2**40]}, "'data' has the shape"),
        ({"data": [[1], [2, 3]]}, "unexpected size: 2 at level: 1"),
        ({"data": {"b64": "TQ=="}}, "it has no list 'data'"),
        ({"data": None}, "it has no list 'data'"),
        ({"data": [0.5, "hot"]}, 'input "heat (°C)" row: 1: "hot" is not of datatype FP32'),
        ({"parameters": []}, "'parameters' is not an object"),
        ({"parameters": {"binary_data_size": 8}}, "both 'data' and binary data"),
        ({"parameters": {"shared_memory_region": "x"}}, "'shared_memory_region' is not supported"),
    ],
)
def test_invalid_inputs(change, why):
    assert why in refusal(HEAT | change)


@pytest.mark.parametrize("size", [-1, 8.0, True, "8", 2**70])
def test_an_invalid_size_of_binary_data(size):
    heat = {**HEAT, "parameters": {"binary_data_size": size}}
    del heat["data"]
    assert "binary_data_size" in refusal(heat, binary=b"\0" * 8)


def test_the_row_of_a_wrong_value_in_a_list_of_lists():
    pair = {"name": "pair", "shape": [2, 2], "datatype": "INT32", "data": [1, 2, 3, "x"]}
    assert 'input "pair" row: 1: "x" is not' in refusal(pair)


def test_no_inputs():
    for inputs in ([], None, {}, "x"):
        with pytest.raises(HttpError, match="'inputs' must be a list of tensors"):
            InputReader(SIGNATURE, None, 1).columns(inputs)
    assert "item 1 of 'inputs' is not an object but [1]" in refusal(HEAT, [1])


def test_an_input_that_is_given_twice():
    assert refusal(HEAT, HEAT) == 'input "heat (°C)" is given twice'


def test_the_values_of_binary_data_are_counted_before_they_are_read():
    half = MAX_VALUES // 2 + 1
    small = {"shape": [1, half], "datatype": "INT8", "parameters": {"binary_data_size": half}}
    inputs = [{**small, "name": "a"}, {**small, "name": "b"}]
    assert len(read(inputs[0], binary=bytes(half))["a"][0]) == half
    assert "too many values: at most 1,048,576" in refusal(*inputs, binary=bytes(2 * half))


def test_no_rows():
    assert read({**HEAT, "shape": [0], "data": []}) == {"heat (°C)": []}
    assert read({**HEAT, "shape": [0, 1], "data": []}) == {"heat (°C)": []}
