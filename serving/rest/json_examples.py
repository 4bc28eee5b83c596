"""The JSON of :classify and :regress as serialized `tf.Example`s, by TensorFlow Serving's rules.

These hold for a version whose columns aren't known, which Beltline didn't push; otherwise see
`examples.py`. A feature is a value or a list of them: a whole number becomes an int64, one with a
point a float, a string bytes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature

from beltline.base.values import fits_float32
from beltline.serving.rest.examples import example_objects
from beltline.serving.rest.json_tensors import Array, from_base64, is_base64, json_type
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request

_WHOLE, _FRACTION, _BYTES = "int64", "float", "bytes"
_MAX_WHOLE = 2**63


def serialized(document: Mapping[str, Any]) -> Array:
    """Returns the examples of a request, `[n]`; its `context` is part of each of them.

    Raises:
      HttpError: there are no examples, or one of them is invalid.
    """
    found = [_example(each) for each in example_objects(document)]
    array = np.empty(len(found), object)
    array[:] = found
    return array


def _example(features: Mapping[str, Any]) -> bytes:
    example = Example()
    for name, content in features.items():
        values = content if type(content) is list else [content]
        try:
            example.features.feature[name].CopyFrom(_feature(name, values))
        except UnicodeEncodeError:
            raise bad_request("a name or a text holds half of a surrogate pair") from None
    encoded: bytes = example.SerializeToString()
    return encoded


def _feature(name: str, values: list[Any]) -> Feature:
    feature = Feature()
    for value in values:
        found, converted = _value(name, value)
        if feature.WhichOneof("kind") not in (None, f"{found}_list"):
            held = str(feature.WhichOneof("kind")).removesuffix("_list")
            raise bad_request(f"Unexpected element type in feature: {name} expecting type: {held}")
        getattr(feature, f"{found}_list").value.append(converted)
    return feature


def _value(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, str):
        return _BYTES, value.encode()
    if is_base64(value):
        try:
            return _BYTES, from_base64(value)
        except ValueError as error:
            raise bad_request(str(error)) from None
    if isinstance(value, float):
        if not fits_float32(value):
            raise bad_request(
                f"Cannot convert JSON value: {shown(value)} to float without loss of precision."
            )
        return _FRACTION, value
    if isinstance(value, bool | int):
        if not -_MAX_WHOLE <= value < _MAX_WHOLE:
            raise bad_request(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return _WHOLE, int(value)
    raise bad_request(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")
