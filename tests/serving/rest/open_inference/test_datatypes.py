import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.serving.rest.json_tensors import WrongValue
from beltline.serving.rest.open_inference.datatypes import (
    DATATYPES,
    check_values,
    from_bytes,
    name_of,
    to_bytes,
)

VALUES = {
    "BOOL": [True, False],
    **{f"UINT{bits}": [0, 7, 2**bits - 1] for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": [-(2 ** (bits - 1)), 0, 2 ** (bits - 1) - 1] for bits in (8, 16, 32, 64)},
    "FP16": [0.5, -2.0, 0.25],
    "FP32": [0.1, -3.0, 1e-7, 3.4028235e38],
    "FP64": [0.1, -3.0, 1e300],
    "BYTES": ["", "M1", "é" * 300],
}


def array(datatype, values):
    return np.array([v.encode() if isinstance(v, str) else v for v in values], DATATYPES[datatype])


def test_every_datatype_has_values_here():
    assert VALUES.keys() == DATATYPES.keys()


@pytest.mark.parametrize("datatype", DATATYPES)
def test_binary_data_are_the_values_that_json_would_have(datatype):
    values = VALUES[datatype]
    check_values([*values, None], datatype)
    found = from_bytes(memoryview(to_bytes(array(datatype, values))), datatype, len(values))
    assert found == values
    assert [type(each) for each in found] == [type(each) for each in values]
    check_values(json.loads(json.dumps(found)), datatype)


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_a_float32_has_the_digits_of_one(values):
    found = from_bytes(memoryview(to_bytes(np.array(values, np.float32))), "FP32", len(values))
    assert np.array(found, np.float32).tolist() == values
    assert [repr(each) for each in found] == [repr(float(str(np.float32(v)))) for v in values]


@given(st.lists(st.binary(max_size=9)))
def test_bytes_of_any_content(values):
    found = from_bytes(memoryview(to_bytes(np.array(values, object))), "BYTES", len(values))
    assert [each.encode() if isinstance(each, str) else each for each in found] == values
    assert all(isinstance(each, str) or not _is_text(each) for each in found)


def _is_text(value):
    return value.decode(errors="replace").encode() == value


def test_nan_is_missing_and_infinity_is_not():
    for datatype in ("FP16", "FP32", "FP64"):
        given_ = np.array([math.nan, math.inf, -math.inf, 0.5], DATATYPES[datatype])
        missing, *others = from_bytes(memoryview(given_.tobytes()), datatype, 4)
        assert missing is None or math.isnan(missing)
        assert others == [math.inf, -math.inf, 0.5]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("BOOL", 1),
        ("INT8", 128),
        ("INT64", 48.9),
        ("INT64", 2**63),
        ("INT32", True),
        ("UINT8", -1),
        ("UINT64", 2**64),
        ("FP32", "0.5"),
        ("FP64", True),
        ("BYTES", 7),
        ("BYTES", ["M1"]),
    ],
)
def test_a_value_of_another_datatype(datatype, value):
    good = VALUES[datatype][0]
    with pytest.raises(WrongValue, match=f"is not of datatype {datatype}") as caught:
        check_values([good, None, value], datatype)
    assert caught.value.index == 2


@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("datatype", ["INT16", "FP32", "BYTES"])
def test_another_number_of_values(datatype, number):
    data = memoryview(to_bytes(array(datatype, VALUES[datatype][:2])))
    with pytest.raises(WrongValue, match="binary data"):
        from_bytes(data, datatype, number)


@pytest.mark.parametrize("data", [b"\x01", b"\x01\0\0", b"\x02\0\0\0M", b"\xff\xff\xff\xffM"])
def test_bytes_that_are_cut_off(data):
    with pytest.raises(WrongValue, match="are not 1 values of BYTES"):
        from_bytes(memoryview(data), "BYTES", 1)


def test_names():
    assert name_of(np.dtype("<f4")) == "FP32"
    assert name_of(np.dtype(bool)) == "BOOL"
    assert name_of(np.dtype(np.complex64)) == "COMPLEX64"
