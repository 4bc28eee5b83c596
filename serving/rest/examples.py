"""The JSON of :classify and :regress as serialized `tf.Example`s, by TensorFlow Serving's rules.

A feature is a value or a list of them: a whole number becomes an int64, one with a point a float, a
string bytes. If the version's card has the type of a column, that decides instead, so that `5` is
allowed for a number and `5.0` for an integer; `null` is then a missing value.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature

from beltline.serving.rest.json_tensors import Array, from_base64, is_base64, json_type
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import HttpError, bad_request

_WHOLE, _FRACTION, _BYTES = "int64", "float", "bytes"
_LIST_OF_KIND = {"integer": _WHOLE, "number": _FRACTION, "text": _BYTES}
_MAX_WHOLE = 2**63
_MAX_FRACTION = float(np.finfo(np.float32).max)


def serialized(document: Mapping[str, Any], kinds: Mapping[str, str]) -> Array:
    """Returns the examples of a request, `[n]`; its `context` is part of each of them.

    Args:
      document: the request.
      kinds: the type of each column: integer, number or text.

    Raises:
      HttpError: there are no examples, or one of them is invalid.
    """
    context = b""
    if "context" in document:
        context = _example(document["context"], kinds)
    found = document.get("examples")
    if "examples" not in document:
        raise bad_request("When method is classify, key 'examples' is expected and was not found")
    if type(found) is not list:
        raise bad_request("Expecting 'examples' value to be an list/array")
    if not found:
        raise bad_request("'examples' value is an empty array")
    array = np.empty(len(found), object)
    # Concatenated messages are merged when they are parsed.
    array[:] = [context + _example(each, kinds) for each in found]
    return array


def _example(value: Any, kinds: Mapping[str, str]) -> bytes:
    if type(value) is not dict:
        raise bad_request(f"Example must be JSON object but got JSON {json_type(value)}")
    example = Example()
    features = example.features.feature
    for name, content in value.items():
        values = content if type(content) is list else [content]
        try:
            features[name].CopyFrom(_feature(name, values, _LIST_OF_KIND.get(kinds.get(name, ""))))
        except UnicodeEncodeError:
            raise bad_request("a name or a text holds half of a surrogate pair") from None
    encoded: bytes = example.SerializeToString()
    return encoded


def _feature(name: str, values: list[Any], kind: str | None) -> Feature:
    feature = Feature()
    if kind:
        values = [value for value in values if value is not None]
    for value in values:
        found, converted = _value(name, value, kind)
        if feature.WhichOneof("kind") not in (None, f"{found}_list"):
            held = str(feature.WhichOneof("kind")).removesuffix("_list")
            raise bad_request(f"Unexpected element type in feature: {name} expecting type: {held}")
        getattr(feature, f"{found}_list").value.append(converted)
    return feature


def _value(name: str, value: Any, kind: str | None) -> tuple[str, Any]:
    found: str
    converted: Any
    if isinstance(value, str):
        found, converted = _BYTES, value.encode()
    elif is_base64(value):
        found, converted = _BYTES, _decoded(value)
    elif isinstance(value, bool):
        found, converted = _WHOLE, int(value)
    elif isinstance(value, int | float):
        return _number(name, value, kind)
    else:
        raise bad_request(
            f"Feature: {name} has element with unexpected JSON type: {json_type(value)}"
        )
    if kind not in (None, found):
        raise _misfit(name, kind)
    return found, converted


def _decoded(value: dict[str, str]) -> bytes:
    try:
        return from_base64(value)
    except ValueError as error:
        raise bad_request(str(error)) from None


def _number(name: str, value: int | float, kind: str | None) -> tuple[str, int | float]:
    wanted = kind or (_WHOLE if isinstance(value, int) else _FRACTION)
    if wanted == _BYTES:
        raise _misfit(name, wanted)
    if wanted == _FRACTION:
        if _MAX_FRACTION < abs(value) < float("inf"):
            raise bad_request(
                f"Cannot convert JSON value: {shown(value)} to float without loss of precision."
            )
        return _FRACTION, float(value)
    if isinstance(value, float) and not value.is_integer():
        raise _misfit(name, wanted)
    if not -_MAX_WHOLE <= value < _MAX_WHOLE:
        raise bad_request(f"Feature: {name} has uint64 element. Only int64 is supported.")
    return _WHOLE, int(value)


def _misfit(name: str, kind: str | None) -> HttpError:
    return bad_request(f"Unexpected element type in feature: {name} expecting type: {kind}")
