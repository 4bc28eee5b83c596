import base64

import numpy as np
import pytest

from beltline.serving.rest.json_tensors import WrongValue, overflow_is_an_error, tensor
from beltline.versions.loaded.signature import Tensor

FLOAT, DOUBLE, INT64, INT8, UINT8, BOOL, TEXT = (
    np.dtype(name) for name in ("float32", "float64", "int64", "int8", "uint8", "bool", "object")
)


def read(values, dtype, shape=(None,)):
    with overflow_is_an_error():
        return tensor(values, Tensor("x:0", dtype, shape))


def refusal(values, dtype, shape=(None,)):
    with pytest.raises(WrongValue) as caught:
        read(values, dtype, shape)
    return caught.value


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2.5, -3], FLOAT, [1, 2.5, -3]),
        ([1, 2.5], DOUBLE, [1, 2.5]),
        ([float("inf"), -float("inf")], FLOAT, [np.inf, -np.inf]),
        # Exactly what a double holds, and no more.
        ([2**53 - 1], DOUBLE, [2**53 - 1]),
        ([1e300], DOUBLE, [1e300]),
        # Rounded, as the training data was.
        ([2**24 + 1], FLOAT, [2**24]),
        ([2**63 - 1, -(2**63)], INT64, [2**63 - 1, -(2**63)]),
        ([True, False], BOOL, [True, False]),
        (["é", "a\0b", "", None], TEXT, ["é".encode(), b"a\0b", b"", b""]),
        ([{"b64": "//8="}, {"b64": "_-8"}, {"b64": ""}], TEXT, [b"\xff\xff", b"\xff\xef", b""]),
        ([], FLOAT, []),
    ],
)
def test_values(values, dtype, expected):
    found = read(values, dtype)
    assert found.dtype == dtype
    assert found.tolist() == expected


def test_a_missing_number_is_none():
    assert np.isnan(read([None, 1, 2.5], FLOAT)).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "dtype", "index", "why"),
    [
        ([1, "2"], FLOAT, 1, 'JSON Value: "2" Type: String is not of expected type: float'),
        ([True], FLOAT, 0, "JSON Value: true Type: True is not of expected type: float"),
        ([1.5, False], DOUBLE, 1, "JSON Value: false Type: False is not of expected type: double"),
        ([{}], FLOAT, 0, "JSON Value: {} Type: Object is not of expected type: float"),
        ([[1]], FLOAT, 0, "Encountered list at unexpected level"),
        ([1, 1e39], FLOAT, 1, "Cannot convert JSON value: 1e+39 to float without loss"),
        ([10**400], FLOAT, 0, "to float without loss of precision"),
        ([10**400], DOUBLE, 0, "to double without loss of precision"),
        ([2**53], DOUBLE, 0, "Cannot convert JSON value: 9007199254740992 to double"),
        ([1, 2**63], INT64, 1, "Cannot convert JSON value: 9223372036854775808 to int64"),
        ([128], INT8, 0, "Cannot convert JSON value: 128 to int8"),
        ([-1], UINT8, 0, "Cannot convert JSON value: -1 to uint8"),
        ([1.0], INT64, 0, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        ([None], INT64, 0, "JSON Value: null Type: Null is not of expected type: int64"),
        ([True], INT64, 0, "is not of expected type: int64"),
        ([1], BOOL, 0, "JSON Value: 1 Type: Number is not of expected type: bool"),
        (["a", 1], TEXT, 1, "JSON Value: 1 Type: Number is not of expected type: string"),
        (["a", True], TEXT, 1, "JSON Value: true Type: True is not of expected type: string"),
        (["a", "\ud800"], TEXT, 1, "surrogate"),
        ([{"b64": "*"}], TEXT, 0, "Unable to base64 decode"),
        ([{"b64": "é"}], TEXT, 0, "Unable to base64 decode"),
        ([{"b64": "abc=d"}], TEXT, 0, "Unable to base64 decode"),
        ([{"b64": "a"}], TEXT, 0, "Unable to base64 decode"),
        ([{"b64": 1}], TEXT, 0, "not formatted correctly for base64 data"),
        ([{"b64": "YQ==", "x": 1}], TEXT, 0, "not formatted correctly for base64 data"),
    ],
)
def test_wrong_values(values, dtype, index, why):
    error = refusal(values, dtype)
    assert why in str(error)
    assert error.index == index


def test_a_type_that_json_has_no_value_for():
    assert "complex64" in str(refusal([1], np.dtype("complex64")))


def test_lists_of_lists():
    found = read([[[1, 2], [3, 4]]], FLOAT, (None, 2, 2))
    assert found.shape == (1, 2, 2)
    assert read([[1], [2]], FLOAT, None).shape == (2, 1)
    assert read(5, FLOAT, ()).shape == ()
    assert read([[], []], FLOAT, (None, None)).shape == (2, 0)
    nested = read([["a", {"b64": base64.b64encode(b"\xff").decode()}]], TEXT, (None, 2))
    assert nested.tolist() == [[b"a", b"\xff"]]


@pytest.mark.parametrize(
    ("values", "shape", "why"),
    [
        ([[1, 2], [3]], (None, 2), "Encountered list at unexpected size: 1 at level: 1"),
        ([[1], 2], (None, 1), "found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ([1, [2]], (None, 1), "Encountered list at unexpected level: 1 expected < 1"),
        ([[1, 2]], (None, 3), "Expecting shape [?,3] but got: [1,2]"),
        ([1, 2], (None, 1), "Expecting shape [?,1] but got: [2]"),
        (1, (None,), "Expecting shape [?] but got: []"),
        ([[1, "2"]], (None, 2), 'JSON Value: "2" Type: String'),
    ],
)
def test_lists_of_the_wrong_shape(values, shape, why):
    assert why in str(refusal(values, FLOAT, shape))


def test_the_index_of_an_invalid_value_is_that_of_the_first_dimension():
    assert refusal([[1, 2], [3, "4"]], FLOAT, (None, 2)).index == 1


def test_lists_nested_deep_are_refused_at_once():
    deep = current = []
    for _ in range(900):
        current.append([])
        current = current[0]
    assert "nested deeper than 16" in str(refusal(deep, FLOAT, None))
