"""The datatypes of the Open Inference Protocol, in JSON and in binary data.

Binary data become the values that JSON would have, so that both mean the same. They are
little-endian and without padding; each of BYTES follows its length in four bytes. `null`, and NaN,
is a missing value in any datatype.
"""

from typing import Any

import numpy as np
import orjson

from beltline.serving.rest.json_tensors import WrongValue
from beltline.serving.rest.request_body import shown

Array = np.ndarray[Any, Any]

DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    **{f"UINT{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    "BYTES": np.dtype(object),
}
"""By the protocol's name."""

_NAMES = {dtype: name for name, dtype in DATATYPES.items()}
_JSON_TYPES: dict[str, frozenset[type]] = {
    "b": frozenset({bool}),
    "i": frozenset({int}),
    "u": frozenset({int}),
    "f": frozenset({int, float}),
    # An object is bytes, as `{"b64": "..."}`.
    "O": frozenset({str, dict}),
}
_LENGTH = 4


def name_of(dtype: np.dtype[Any]) -> str:
    """Returns the protocol's name of a type; of one that it doesn't have, NumPy's."""
    return _NAMES.get(dtype, dtype.name.upper())


def check_values(values: list[Any], datatype: str) -> None:
    """Checks that JSON values are of a datatype, or missing.

    Raises:
      WrongValue: one isn't.
    """
    dtype = DATATYPES[datatype]
    types = set(map(type, values)) - {type(None)}
    if types <= _JSON_TYPES[dtype.kind]:
        if dtype.kind not in "iu" or not types:
            return
        limits = np.iinfo(dtype)
        whole = values if None not in values else [each for each in values if each is not None]
        if limits.min <= min(whole) and max(whole) <= limits.max:
            return
    at = next(at for at, value in enumerate(values) if not _is_of(value, dtype))
    raise WrongValue(f"{shown(values[at])} is not of datatype {datatype}", at)


def from_bytes(data: memoryview, datatype: str, number: int) -> list[Any]:
    """Returns the values in binary data, as JSON would have them.

    Raises:
      WrongValue: there are not so many.
    """
    dtype = DATATYPES[datatype]
    if dtype.kind == "O":
        return _texts(data, number)
    size = number * dtype.itemsize
    if len(data) != size:
        raise WrongValue(
            f"its binary data have {len(data)} bytes; {number} values of {datatype} have {size}"
        )
    array: Array = np.frombuffer(data, dtype.newbyteorder("<"))
    if dtype.kind == "f" and dtype.itemsize < 8:
        return _short(array)
    values: list[Any] = array.tolist()
    return values


def to_bytes(array: Array) -> bytes:
    """Returns an output as binary data."""
    if array.dtype.kind != "O":
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    texts = [each if isinstance(each, bytes) else str(each).encode() for each in array.flat]
    parts = [part for each in texts for part in (len(each).to_bytes(_LENGTH, "little"), each)]
    return b"".join(parts)


def _is_of(value: Any, dtype: np.dtype[Any]) -> bool:
    if value is None:
        return True
    if type(value) not in _JSON_TYPES[dtype.kind]:
        return False
    return dtype.kind not in "iu" or bool(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)


def _short(array: Array) -> list[Any]:
    """Returns floats with the digits that JSON has: the float32 0.1 is 0.1, as a text too."""
    values: list[Any] = orjson.loads(orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY))
    # Both became null, which NaN means.
    for at in np.flatnonzero(np.isinf(array)).tolist():
        values[at] = float(array[at])
    return values


def _texts(data: memoryview, number: int) -> list[str | bytes]:
    found: list[str | bytes] = []
    start = 0
    for _ in range(number):
        begin = start + _LENGTH
        end = begin + int.from_bytes(data[start:begin], "little")
        if end > len(data):
            break
        found.append(_text(data[begin:end]))
        start = end
    if len(found) < number or start != len(data):
        raise WrongValue(
            f"its binary data are not {number} values of BYTES, each after its length in "
            f"{_LENGTH} bytes"
        )
    return found


def _text(value: memoryview) -> str | bytes:
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        return bytes(value)
