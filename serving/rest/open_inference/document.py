"""The paths of the Open Inference Protocol in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from beltline.serving.rest import openapi_parts as parts
from beltline.serving.rest.json_tensors import MAX_DIMENSIONS
from beltline.serving.rest.open_inference.datatypes import DATATYPES, name_of
from beltline.serving.rest.open_inference.routes import MODELS
from beltline.serving.rest.openapi_parts import Json
from beltline.versions.loaded.signature import Signature, Tensor

_SHAPE: Json = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0},
    "minItems": 1,
    "maxItems": MAX_DIMENSIONS,
}
_DATATYPE: Json = {"type": "string", "enum": list(DATATYPES)}
_DATA: Json = {"type": "array", "items": {}, "description": "Flat, or a list for each dimension."}
_PARAMETERS = parts.ANY_OBJECT
_BINARY: Json = {"schema": {"type": "string", "format": "binary"}}


def paths(name: str, signature: Signature | None, row: Mapping[str, Any] | None) -> Json:
    """Returns the paths.

    Args:
      name: the model's name.
      signature: the default one; None if no version is live.
      row: a row of the table, for the example; None if none is known.
    """
    model = f"{MODELS}{name}"
    return {
        "/v2": {"get": parts.operation("server_metadata", "The server and its extensions.")},
        "/v2/health/live": {"get": parts.page("server_live", "Whether the process is alive.")},
        "/v2/health/ready": {"get": parts.page("server_ready", "Whether a version is live.")},
        model: {"get": parts.operation("model_metadata", "The inputs and outputs of the model.")},
        f"{model}/ready": {"get": parts.operation("model_ready", "Whether the model is ready.")},
        f"{model}/infer": {"post": _infer(signature, row)},
    }


def _infer(signature: Signature | None, row: Mapping[str, Any] | None) -> Json:
    summary = "Predictions for tensors, one for each column (Open Inference Protocol)."
    operation = parts.operation("infer", summary)
    example = None if signature is None or row is None else _example(signature, row)
    operation["requestBody"] = parts.body(_request(signature), example)
    response = parts.response("The outputs; those in binary data follow the JSON.", _response())
    response["content"]["application/octet-stream"] = _BINARY
    operation["responses"]["200"] = response
    return operation


def _request(signature: Signature | None) -> Json:
    tensor = {
        "name": {"type": "string"},
        "shape": _SHAPE,
        "datatype": _DATATYPE,
        "parameters": _PARAMETERS,
        "data": _DATA,
    }
    output: Json = {"type": "string"}
    if signature is not None:
        output["enum"] = list(signature.outputs)
    asked = parts.object_of({"name": output, "parameters": _PARAMETERS}, ["name"])
    inputs = parts.object_of(tensor, ["name", "shape", "datatype"])
    properties = {
        "id": {"type": "string"},
        "parameters": _PARAMETERS,
        "inputs": {"type": "array", "items": inputs, "minItems": 1},
        "outputs": {"type": "array", "items": asked},
    }
    return parts.object_of(properties, ["inputs"])


def _response() -> Json:
    tensor = {
        "name": {"type": "string"},
        "datatype": _DATATYPE,
        "shape": _SHAPE | {"minItems": 0},
        "parameters": _PARAMETERS,
        "data": _DATA,
    }
    properties = {
        "model_name": {"type": "string"},
        "model_version": {"type": "string", "description": "The version that answered."},
        "id": {"type": "string", "description": "That of the request."},
        "outputs": {
            "type": "array",
            "items": parts.object_of(tensor, ["name", "datatype", "shape"]),
        },
    }
    return parts.object_of(properties, ["model_name", "model_version", "outputs"])


def _example(signature: Signature, row: Mapping[str, Any]) -> Json:
    columns = {signature.columns.get(name, name): each for name, each in signature.inputs.items()}
    return {"inputs": [_tensor(name, each, row[name]) for name, each in columns.items()]}


def _tensor(name: str, tensor: Tensor, value: Any) -> Json:
    lengths = [length or 1 for length in (tensor.shape or (None,))[1:]]
    shape = [1, *lengths]
    return {"name": name, "shape": shape, "datatype": name_of(tensor.dtype), "data": [value]}
