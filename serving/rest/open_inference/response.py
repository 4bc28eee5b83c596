"""The response to a request for inference: the outputs in JSON, or as binary data behind it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from beltline.serving.rest import json_outputs
from beltline.serving.rest.open_inference.datatypes import DATATYPES, name_of, to_bytes
from beltline.serving.rest.open_inference.request import JSON_LENGTH, InferRequest
from beltline.serving.rest.responses import Response, bad_request

Array = np.ndarray[Any, Any]

_BINARY = b"application/octet-stream"


def response(
    request: InferRequest, model: str, version: int, outputs: Mapping[str, Array]
) -> Response:
    """Returns the response with the outputs that are asked for.

    Raises:
      HttpError: an output is of a type that the protocol doesn't have.
    """
    asked = {name: outputs[name] for name in request.outputs}
    answer: dict[str, Any] = {"model_name": model, "model_version": str(version)}
    if request.id is not None:
        answer["id"] = request.id
    binary = {name: to_bytes(asked[name]) for name, wanted in request.outputs.items() if wanted}
    answer["outputs"] = [_output(name, array, binary) for name, array in asked.items()]
    text = json_outputs.as_json(answer, asked)
    if not binary:
        return Response(200, text)
    header = (JSON_LENGTH, str(len(text)).encode())
    return Response(200, b"".join([text, *binary.values()]), _BINARY, (header,))


def _output(name: str, array: Array, binary: Mapping[str, bytes]) -> dict[str, Any]:
    datatype = name_of(array.dtype)
    if datatype not in DATATYPES:
        raise bad_request(f"output {name} is of type {datatype}, which the protocol doesn't have")
    found = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if name in binary:
        return {**found, "parameters": {"binary_data_size": len(binary[name])}}
    return {**found, "data": json_outputs.named_values(name, array.ravel())}
