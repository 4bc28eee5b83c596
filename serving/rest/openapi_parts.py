"""The parts that the operations of the OpenAPI document are made of."""

from typing import Any

import numpy as np

from beltline.versions.loaded.signature import Tensor

Json = dict[str, Any]

ANY_OBJECT: Json = {"type": "object"}
_REASONS = {
    "400": "The request is invalid; `error` says what and where.",
    "401": "The bearer token is missing or wrong.",
    "404": "No such model or version is served.",
    "413": "The request is too large.",
    "415": "The body has an unsupported encoding.",
    "503": "Overloaded, or no version is live yet; retry later.",
    "504": "The model didn't answer in time.",
}


def operation(name: str, summary: str) -> Json:
    """Returns an operation with its errors; what it answers is any object."""
    responses: Json = {"200": response("The response.", ANY_OBJECT)}
    error = {"$ref": "#/components/schemas/Error"}
    responses |= {status: response(reason, error) for status, reason in _REASONS.items()}
    return {"operationId": name, "summary": summary, "responses": responses}


def page(name: str, summary: str) -> Json:
    """Returns the operation of a page that needs no token."""
    return operation(name, summary) | {"security": []}


def response(description: str, schema: Json) -> Json:
    """Returns a response in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def body(schema: Json, example: Any = None) -> Json:
    """Returns the body of a request."""
    content: Json = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"required": True, "content": {"application/json": content}}


def object_of(properties: Json, required: list[str]) -> Json:
    """Returns the schema of an object with these properties, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def value(tensor: Tensor, scalar: Json | None = None) -> Json:
    """Returns the schema of one row's value; `scalar` in place of the type's own."""
    schema = scalar or _scalar(tensor.dtype)
    # Where the shape may be any, so may the value.
    if tensor.shape is None:
        return {}
    for length in reversed(tensor.shape[1:]):
        schema = {"type": "array", "items": schema}
        if length is not None:
            schema |= {"minItems": length, "maxItems": length}
    return schema


def or_null(schema: Json) -> Json:
    """Returns the schema of a value that may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def _scalar(dtype: np.dtype[Any]) -> Json:
    if dtype.kind == "f":
        most = float(np.finfo(dtype).max) if dtype.itemsize < 8 else 2.0**53 - 1
        return or_null({"type": "number", "minimum": -most, "maximum": most})
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    if dtype.kind == "b":
        return {"type": "boolean"}
    return or_null({"type": "string"})
