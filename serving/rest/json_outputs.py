"""A model's outputs as JSON, in TensorFlow Serving's row and columnar formats.

A number is written in the fewest digits that give the same one back; a float always has a point or
an exponent. NaN and Infinity are written as these tokens, which strict parsers
don't take. Strings are text, or `{"b64": "..."}` where the output's name ends in `_bytes`.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from beltline.serving.rest.responses import bad_request

Array = np.ndarray[Any, Any]


def rows(outputs: Mapping[str, Array], version: int) -> bytes:
    """Returns `{"predictions": [...]}`: an object for each row, or a value if there is one output.

    Raises:
      HttpError: the outputs don't have a value for each row.
    """
    _check_rows(outputs)
    columns = [named_values(name, array) for name, array in outputs.items()]
    if len(columns) == 1:
        found: list[Any] = columns[0]
    else:
        found = [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]
    return as_json({"predictions": found, "version": str(version)}, outputs)


def columns(outputs: Mapping[str, Array], version: int) -> bytes:
    """Returns `{"outputs": {...}}`: a list for each output, or the one list there is."""
    found = {name: named_values(name, array) for name, array in outputs.items()}
    answer: Any = found if len(found) > 1 else next(iter(found.values()))
    return as_json({"outputs": answer, "version": str(version)}, outputs)


def results(found: list[Any], version: int, scores: Mapping[str, Array]) -> bytes:
    """Returns `{"results": [...]}`, the answer of :classify and :regress.

    Args:
      found: what stands for each example.
      version: the one that answered.
      scores: the arrays that the numbers in `found` come from.
    """
    return as_json({"results": found, "version": str(version)}, scores)


def values(array: Array) -> list[Any]:
    """Returns an array as a list of what JSON can hold: numbers, strings, or lists of them."""
    if array.dtype.kind == "O":
        texts: list[Any] = _each(array.tolist(), _string)
        return texts
    # Numbers of NumPy, so that a float32 is not written in the digits of a float64.
    return list(array) if array.ndim == 1 else [np.ascontiguousarray(row) for row in array]


def named_values(name: str, array: Array) -> Any:
    """Returns the output of that name as what JSON can hold: as `values`, or bytes as base64."""
    if array.dtype.kind == "O" and name.endswith("_bytes"):
        return _each(array.tolist(), _base64)
    return values(array) if array.ndim else _single(array)


def as_json(answer: dict[str, Any], outputs: Mapping[str, Array]) -> bytes:
    """Returns an answer as JSON; `outputs` are the arrays that its numbers come from."""
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    # It writes null for a number that is none.
    if b"null" in text and not _finite(outputs):
        return json.dumps(answer, default=_plain, ensure_ascii=False).encode()
    return text


def _check_rows(outputs: Mapping[str, Array]) -> None:
    expected = None
    for name, array in outputs.items():
        if not array.ndim:
            raise bad_request(f"Tensor name: {name} has no shape information ")
        if expected not in (None, len(array)):
            raise bad_request(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} "
                f"expecting: {expected}"
            )
        expected = len(array)


def _single(array: Array) -> Any:
    return _string(array.item()) if array.dtype.kind == "O" else array[()]


def _each(value: Any, function: Any) -> Any:
    return [_each(each, function) for each in value] if type(value) is list else function(value)


def _string(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _base64(value: Any) -> dict[str, str]:
    encoded = value if isinstance(value, bytes) else str(value).encode()
    return {"b64": base64.b64encode(encoded).decode()}


def _finite(outputs: Mapping[str, Array]) -> bool:
    floats = [array for array in outputs.values() if array.dtype.kind == "f"]
    return all(bool(np.isfinite(array).all()) for array in floats)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item()
