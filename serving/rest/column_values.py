"""The values of a column as an array, by the definition that the training data was read by.

What a value means for a column of a kind is said in `base/values.py`: a text that a table reads as
missing is missing here, and a number that it refuses is refused. What is missing is NaN, or an
empty text. Most columns hold values of one type, which need no closer look.
"""

import math
from typing import Any

import numpy as np

from beltline.base.values import (
    MAX_WHOLE,
    Kind,
    UnfitValue,
    is_missing,
    number_of,
    text_of,
    whole_of,
)
from beltline.serving.rest.json_tensors import Array, WrongValue, from_base64, is_base64, tensor
from beltline.versions.loaded.signature import Tensor

SENT: dict[Kind, np.dtype[Any]] = {
    "integer": np.dtype(np.float64),
    "number": np.dtype(np.float32),
    "text": np.dtype(object),
}
"""The type of a column's values, as the export has them."""

_TEXTS, _WHOLE = frozenset({str}), frozenset({int})
_NUMBERS = frozenset({int, float, type(None)})
_VALUES = frozenset({str, bool, *_NUMBERS})


def takes(wanted: Tensor, kind: Kind) -> bool:
    """Whether an input takes a column of a kind, one value a row."""
    return wanted.shape == (None,) and wanted.dtype.kind == SENT[kind].kind


def column(values: list[Any], kind: Kind, dtype: np.dtype[Any]) -> Array:
    """Returns a column `[n]`; it must be called in `json_tensors.overflow_is_an_error`.

    Args:
      values: JSON values; bytes are the text that they encode.
      kind: the column's kind.
      dtype: the array's type, see `SENT`.

    Raises:
      WrongValue: a value can't be one of the column's.
    """
    types = set(map(type, values))
    try:
        if kind == "text":
            if types == _TEXTS:
                return np.array(
                    [b"" if is_missing(each) else each.encode() for each in values], dtype
                )
        elif types <= _NUMBERS:
            numbers = values
            if type(None) in types:
                numbers = [math.nan if each is None else each for each in values]
            if kind == "number" or _are_whole(numbers, types):
                return np.array(numbers, dtype)
    except (FloatingPointError, OverflowError, UnicodeEncodeError):
        # Which value it was is found below.
        pass
    return np.array([_meaning(each, kind, at) for at, each in enumerate(values)], dtype)


def _are_whole(numbers: list[Any], types: set[type]) -> bool:
    if types == _WHOLE:
        # Several times as fast as numpy, for a row.
        return bool(min(numbers) >= -MAX_WHOLE and max(numbers) <= MAX_WHOLE)
    found = np.array(numbers, np.float64)
    whole = (found == np.floor(found)) & (np.abs(found) <= MAX_WHOLE)
    return bool((whole | np.isnan(found)).all())


def _meaning(value: Any, kind: Kind, at: int) -> float | bytes:
    try:
        if kind == "text":
            return _text(value)
        if isinstance(value, bytes):
            value = value.decode(errors="backslashreplace")
        if type(value) not in _VALUES:
            tensor([value], Tensor("", SENT[kind], (None,)))
        number = whole_of(value) if kind == "integer" else number_of(value)
        return math.nan if number is None else number
    except UnfitValue as error:
        raise WrongValue(str(error), at) from None
    except WrongValue as error:
        raise WrongValue(str(error), at) from None


def _text(value: Any) -> bytes:
    if is_base64(value):
        try:
            value = from_base64(value)
        except ValueError as error:
            raise WrongValue(str(error)) from None
    if isinstance(value, bytes):
        # What is no UTF-8 is no spelling of a missing value either.
        return b"" if is_missing(value.decode(errors="replace")) else value
    if type(value) not in _VALUES:
        tensor([value], Tensor("", SENT["text"], (None,)))
    text = text_of(value)
    try:
        return b"" if text is None else text.encode()
    except UnicodeEncodeError:
        raise WrongValue(f"{value!a} is not Unicode: half of a surrogate pair") from None
