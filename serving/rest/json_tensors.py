"""JSON values as a tensor, by TensorFlow Serving's rules and with its messages.

Numbers for numbers, strings or `{"b64": "..."}` for strings, true or false for booleans; a list for
each dimension, all of one length. Beyond those rules `null` is a missing value: NaN, or an empty
string. A whole number too large for a float32 to hold exactly is rounded, as the training data was.
"""

import base64
import binascii
import math
from functools import partial
from typing import Any

import numpy as np

from beltline.serving.rest.request_body import shown
from beltline.versions.loaded.signature import Tensor

Array = np.ndarray[Any, Any]

# What a double holds exactly.
_MAX_EXACT = 2**53 - 1
MAX_DIMENSIONS = 16
_NUMBERS = frozenset({int, float})
_JSON_TYPES = {dict: "Object", list: "Array", str: "String", type(None): "Null"}


class WrongValue(Exception):
    """A value that doesn't fit the tensor; `index` is that in the first dimension, if known."""

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


# Entered once for a whole request: for each column it would cost more.
overflow_is_an_error = partial(np.errstate, over="raise")
"""The context in which `tensor` must be called."""


def tensor(values: Any, wanted: Tensor) -> Array:
    """Returns JSON values as an array of the type and shape of an input.

    Args:
      values: a list for the first dimension, or a single value where the input has none.
      wanted: the input.

    Raises:
      WrongValue: a value, or the lists' lengths, don't fit.
    """
    if wanted.shape == (None,) and type(values) is list:
        return _array(values, wanted.dtype, 1)
    found, shape = flat(values)
    array = _array(found, wanted.dtype, math.prod(shape[1:])).reshape(shape)
    check_shape(array.shape, wanted.shape)
    return array


def _array(values: list[Any], dtype: np.dtype[Any], step: int) -> Array:
    """Returns one dimension; `step` values belong to one index of the tensor's first dimension."""
    kinds = set(map(type, values))
    try:
        if dtype.kind == "f":
            return _floats(values, kinds, dtype)
        if dtype.kind in "iu" and kinds <= {int}:
            return np.array(values, dtype)
        if dtype.kind == "b" and kinds <= {bool}:
            return np.array(values, dtype)
        if dtype.kind == "O":
            return _texts(values, kinds)
    except (FloatingPointError, OverflowError, ValueError):
        # Which value it was is found below.
        pass
    raise _first_wrong(values, dtype, max(step, 1))


def _floats(values: list[Any], kinds: set[type], dtype: np.dtype[Any]) -> Array:
    if not kinds <= _NUMBERS:
        if not kinds <= {*_NUMBERS, type(None)}:
            raise ValueError
        values = [math.nan if value is None else value for value in values]
    array = np.array(values, dtype)
    if dtype.itemsize == 8 and int in kinds and (np.abs(array) > _MAX_EXACT).any():
        _check_exact(values)
    return array


def _check_exact(values: list[Any]) -> None:
    if any(type(value) is int and abs(value) > _MAX_EXACT for value in values):
        raise OverflowError


def _texts(values: list[Any], kinds: set[type]) -> Array:
    if kinds == {str}:
        texts = [value.encode() for value in values]
    else:
        texts = [_bytes(value) for value in values]
    return np.array(texts, object)


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if is_base64(value):
        return from_base64(value)
    raise ValueError


def is_base64(value: Any) -> bool:
    """Whether a JSON value stands for bytes: `{"b64": "..."}` and nothing besides."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def from_base64(value: dict[str, str]) -> bytes:
    """Returns the bytes that `{"b64": "..."}` stands for; the padding may be left out.

    Raises:
      ValueError: it is not base64.
    """
    text = value["b64"].rstrip("=")
    try:
        # The alphabet for URLs is allowed too.
        plain = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
        return base64.b64decode(plain, validate=True)
    except binascii.Error as error:
        raise ValueError("Unable to base64 decode") from error


def _first_wrong(values: list[Any], dtype: np.dtype[Any], step: int) -> WrongValue:
    for place, value in enumerate(values):
        try:
            _array_of_one(value, dtype)
        except (TypeError, ValueError, FloatingPointError, OverflowError) as error:
            return WrongValue(_why(value, dtype, error), place // step)
    return WrongValue(f"the values are not of type {type_name(dtype)}")


def _array_of_one(value: Any, dtype: np.dtype[Any]) -> None:
    if dtype.kind == "f":
        _floats([value], {type(value)}, dtype)
    elif dtype.kind == "O":
        _bytes(value)
    elif type(value) is not (bool if dtype.kind == "b" else int) or dtype.kind not in "biu":
        raise ValueError
    else:
        np.array([value], dtype)


def _why(value: Any, dtype: np.dtype[Any], error: Exception) -> str:
    name = type_name(dtype)
    if isinstance(value, list):
        return "Encountered list at unexpected level: 1 expected < 1"
    if dtype.kind == "O" and isinstance(value, dict):
        if is_base64(value):
            return "Unable to base64 decode"
        return f"JSON Value: {shown(value)} not formatted correctly for base64 data"
    if isinstance(error, UnicodeEncodeError):
        return f"JSON Value: {shown(value)} is not Unicode: half of a surrogate pair"
    if isinstance(error, FloatingPointError | OverflowError):
        return f"Cannot convert JSON value: {shown(value)} to {name} without loss of precision."
    return f"JSON Value: {shown(value)} Type: {json_type(value)} is not of expected type: {name}"


def type_name(dtype: np.dtype[Any]) -> str:
    """Returns TensorFlow's name of a type."""
    return {"float32": "float", "float64": "double", "object": "string"}.get(dtype.name, dtype.name)


def json_type(value: Any) -> str:
    """Returns the name that TensorFlow Serving has for a JSON value's type."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return _JSON_TYPES.get(type(value), "Number")


def flat(value: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Returns the values in a list of lists, and its shape: that of the first one at each level.

    Raises:
      WrongValue: the lists differ in length, or are nested too deep.
    """
    shape = _shape(value)
    found = [value]
    for level, size in enumerate(shape):
        _check_level(found, level, size, len(shape))
        found = [inner for each in found for inner in each]
    if any(type(each) is list for each in found):
        rank = len(shape)
        raise WrongValue(f"Encountered list at unexpected level: {rank} expected < {rank}")
    return found, shape


def _shape(value: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while type(value) is list:
        shape.append(len(value))
        if len(shape) > MAX_DIMENSIONS:
            raise WrongValue(f"lists are nested deeper than {MAX_DIMENSIONS}")
        value = value[0] if value else None
    return tuple(shape)


def _check_level(found: list[Any], level: int, size: int, rank: int) -> None:
    for each in found:
        if type(each) is not list:
            raise WrongValue(
                f"JSON Value: {shown(each)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {rank}"
            )
        if len(each) != size:
            raise WrongValue(
                f"Encountered list at unexpected size: {len(each)} at level: {level} "
                f"expected size: {size}"
            )


def check_shape(shape: tuple[int, ...], wanted: tuple[int | None, ...] | None) -> None:
    """Checks that a tensor has the shape of an input.

    Raises:
      WrongValue: it hasn't.
    """
    if wanted is None:
        return
    fits = len(shape) == len(wanted) and all(
        want is None or size == want for size, want in zip(shape, wanted, strict=True)
    )
    if not fits:
        raise WrongValue(f"Expecting shape {_shape_text(wanted)} but got: {_shape_text(shape)}")


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return f"[{','.join('?' if size is None else str(size) for size in shape)}]"
