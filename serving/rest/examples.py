"""Serialized `tf.Example`s: what is in them is read as a row, and a row is written as one.

:classify and :regress take the features of Examples as JSON, and signatures such as `examples` take
serialized ones. Of a version whose columns are known, either is read as the row that it is: each
column once, with a value, or without one where it is missing. So the rules are those of :predict,
and what is handed to the model is an Example as ExampleGen would have written it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature

from beltline.base.values import Kind
from beltline.serving.rest.json_tensors import Array, is_base64, json_type
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request

Row = dict[str, Any]

# Bytes, whatever its digits.
_NUMBER = 8

_APPEND: dict[Kind, Callable[[Feature, Any], None]] = {
    "integer": lambda feature, value: feature.int64_list.value.append(int(value)),
    "number": lambda feature, value: feature.float_list.value.append(value),
    "text": lambda feature, value: feature.bytes_list.value.append(value),
}


def example_objects(document: Mapping[str, Any]) -> list[Row]:
    """Returns the examples of a request; its `context` is part of each of them.

    Raises:
      HttpError: there are no examples, or one is no object.
    """
    context = _object(document.get("context", {}))
    if "examples" not in document:
        raise bad_request("When method is classify, key 'examples' is expected and was not found")
    found = document["examples"]
    if type(found) is not list:
        raise bad_request("Expecting 'examples' value to be an list/array")
    if not found:
        raise bad_request("'examples' value is an empty array")
    return [context | _object(each) for each in found]


def repeated_bytes(document: Mapping[str, Any]) -> int:
    """Returns about how much memory the `context` takes once it is part of each example."""
    context, found = document.get("context"), document.get("examples")
    if type(context) is not dict or type(found) is not list:
        return 0
    return len(found) * sum(len(name) + _bytes(value) for name, value in context.items())


def json_rows(document: Mapping[str, Any]) -> list[Row]:
    """Returns the examples of a request as rows.

    Raises:
      HttpError: as `example_objects`; or one has several values of a feature.
    """
    return [
        {name: _single(index, name, value) for name, value in each.items()}
        for index, each in enumerate(example_objects(document))
    ]


def parsed_rows(examples: Array) -> list[Row]:
    """Returns serialized Examples `[n]` as rows.

    Raises:
      HttpError: one is no Example, or has several values of a feature.
    """
    return [_parsed(index, each) for index, each in enumerate(examples.tolist())]


def example_rows(examples: Iterable[Example]) -> list[Row]:
    """Returns Examples as rows.

    Raises:
      HttpError: one has several values of a feature.
    """
    return [_row(index, each) for index, each in enumerate(examples)]


def serialized(columns: Mapping[str, Array], kinds: Mapping[str, Kind]) -> Array:
    """Returns rows as serialized Examples `[n]`.

    Args:
      columns: the values of each column, `[n]`; what is missing is NaN, or an empty text.
      kinds: the kind of each column.
    """
    rows = [Example() for _ in next(iter(columns.values()))]
    for name, values in columns.items():
        append = _APPEND[kinds[name]]
        for example, value in zip(rows, values.tolist(), strict=True):
            # A feature without a value is missing.
            feature = example.features.feature[name]
            if value != b"" and value == value:  # noqa: PLR0124  # not NaN
                append(feature, value)
    found = np.empty(len(rows), object)
    found[:] = [example.SerializeToString() for example in rows]
    return found


def _bytes(value: Any) -> int:
    """Returns about how many bytes a feature's value takes, or those of a list of them."""
    each = value if type(value) is list else [value]
    texts = (one["b64"] if is_base64(one) else one for one in each)
    return sum(len(text) if type(text) is str else _NUMBER for text in texts)


def _object(value: Any) -> Row:
    if type(value) is not dict:
        raise bad_request(f"Example must be JSON object but got JSON {json_type(value)}")
    return value


def _parsed(index: int, serialized: bytes) -> Row:
    try:
        example = Example.FromString(serialized)
    except DecodeError:
        raise bad_request(
            f"Failed to process element: {index}: it is no serialized tf.Example"
        ) from None
    return _row(index, example)


def _row(index: int, example: Example) -> Row:
    features = example.features.feature
    return {name: _single(index, name, _values(feature)) for name, feature in features.items()}


def _values(feature: Feature) -> list[Any]:
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return [_text(each) for each in values] if kind == "bytes_list" else values


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _single(index: int, name: str, value: Any) -> Any:
    """Returns the one value of a feature; None where there is none."""
    if type(value) is not list:
        return value
    if len(value) > 1:
        raise bad_request(
            f"Failed to process element: {index} key: {shown(name)}: it has {len(value)} values; a "
            "column has one"
        )
    return value[0] if value else None
