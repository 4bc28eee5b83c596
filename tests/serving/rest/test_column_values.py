"""Columns of JSON values; what each value means is held against the tables elsewhere."""

import math

import numpy as np
import pytest

from beltline.serving.rest.column_values import SENT, column, takes
from beltline.serving.rest.json_tensors import WrongValue, overflow_is_an_error
from beltline.versions.loaded.signature import Tensor


def read(values, kind):
    with overflow_is_an_error():
        return column(values, kind, SENT[kind])


def test_numbers():
    found = read([1, 2.5, None, "3.5", "NA", math.inf], "number")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1, 2.5, math.nan, 3.5, math.nan, math.inf])
    np.testing.assert_array_equal(read([1, None, 2.0, "3"], "integer"), [1, math.nan, 2, 3])


def test_texts():
    assert read(["M1", "NA", " "], "text").tolist() == [b"M1", b"", b""]
    given = ["M1", None, 7, True, b"b", {"b64": "TkE="}, {"b64": "/w=="}]
    assert read(given, "text").tolist() == [b"M1", b"", b"7", b"true", b"b", b"", b"\xff"]


@pytest.mark.parametrize(
    ("values", "kind", "index", "why"),
    [
        ([1, 48.9], "integer", 1, "48.9 is not a whole number"),
        ([1, None, 1e300], "integer", 2, "1e+300 is beyond ±9007199254740991"),
        ([math.inf], "integer", 0, "inf is not a whole number"),
        ([2**53], "integer", 0, "9007199254740992 is beyond"),
        ([1.0, 1e39], "number", 1, "1e+39 is beyond the range of 32-bit floats"),
        (["1", "hot"], "number", 1, "'hot' is not a number"),
        ([b"\xff"], "number", 0, "is not a number"),
        ([True], "number", 0, "'true' is not a number"),
        ([1, [2]], "number", 1, "Encountered list at unexpected level"),
        ([{"a": 1}], "number", 0, "Type: Object is not of expected type: float"),
        (["a", ["b"]], "text", 1, "Encountered list at unexpected level"),
        ([{"b64": "*"}], "text", 0, "Unable to base64 decode"),
        (["a", "\ud800"], "text", 1, "half of a surrogate pair"),
    ],
)
def test_values_that_a_column_cannot_hold(values, kind, index, why):
    with pytest.raises(WrongValue) as caught:
        read(values, kind)
    assert caught.value.index == index
    assert why in str(caught.value)


def test_inputs_of_another_form_are_no_columns():
    assert takes(Tensor("", np.dtype(np.float32), (None,)), "integer")
    assert not takes(Tensor("", np.dtype(np.float32), (None, 2)), "number")
    assert not takes(Tensor("", np.dtype(np.int64), (None,)), "integer")
    assert not takes(Tensor("", np.dtype(object), (None,)), "number")
