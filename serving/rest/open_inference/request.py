"""A request for inference: JSON, and the binary data behind it.

Where there are binary data, the header `Inference-Header-Content-Length` says where the JSON ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from beltline.base.hints import did_you_mean
from beltline.serving.rest.open_inference.inputs import InputReader
from beltline.serving.rest.open_inference.parameters import flag, parameters_of
from beltline.serving.rest.request_body import check_properties, parse_json, shown
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import Signature

JSON_LENGTH = b"inference-header-content-length"

_PROPERTIES = frozenset({"id", "inputs", "model_name", "outputs", "parameters"})
_OF_OUTPUT = frozenset({"name", "parameters"})
_MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What a request asks."""

    id: str | None
    """To be in the response, if there is one."""
    signature: Signature
    outputs: dict[str, bool]
    """The outputs that are asked for, in that order; whether as binary data."""


def split(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, memoryview | None]:
    """Returns the JSON of a body, and the binary data behind it; None if the header is missing.

    Raises:
      HttpError: the header is no length of a part of the body.
    """
    found = next((value for name, value in headers if name == JSON_LENGTH), None)
    if found is None:
        return body, None
    if not found.isdigit() or len(found) > len(str(len(body))) or int(found) > len(body):
        raise bad_request(
            f"Inference-Header-Content-Length: {found[:_MAX_NAME].decode('latin-1')!a} is not the "
            f"length of the JSON in a body of {len(body)} bytes"
        )
    length = int(found)
    return body[:length], memoryview(body)[length:]


def parse_request(
    servable: Servable, name: str, parts: tuple[bytes, memoryview | None], max_rows: int
) -> tuple[InferRequest, dict[str, list[Any]]]:
    """Returns what a request asks, and the values of each input by its name.

    Args:
      servable: the version that it addresses.
      name: the model's name.
      parts: the JSON, and the binary data behind it.
      max_rows: how many rows it may have.

    Raises:
      HttpError: it is invalid.
    """
    document = parse_json(parts[0])
    check_properties(document, _PROPERTIES)
    id_ = _id(document.get("id"))
    if document.get("model_name", name) != name:
        given = shown(document["model_name"])
        raise bad_request(f"'model_name' is {given}, and the path addresses {shown(name)}")
    parameters = parameters_of(document, "the request")
    signature = find_signature(servable, "predict", parameters)
    outputs = _outputs(
        document.get("outputs"), signature, flag(parameters, "binary_data_output", False)
    )
    columns = InputReader(signature, parts[1], max_rows).columns(document.get("inputs"))
    return InferRequest(id_, signature, outputs), columns


def _id(given: Any) -> str | None:
    if given is not None and type(given) is not str:
        raise bad_request(f"'id' is {shown(given)}, not a text")
    try:
        return given if given is None else given.encode().decode()
    except UnicodeEncodeError:
        raise bad_request("'id' holds half of a surrogate pair") from None


def _outputs(given: Any, signature: Signature, binary: bool) -> dict[str, bool]:
    """Returns the outputs that are asked for: where none are named, all of them."""
    if given is None or given == []:
        return dict.fromkeys(signature.outputs, binary)
    if type(given) is not list:
        raise bad_request(f"'outputs' is {shown(given)}, not a list")
    found: dict[str, bool] = {}
    for at, each in enumerate(given):
        if type(each) is not dict:
            raise bad_request(f"item {at} of 'outputs' is not an object but {shown(each)}")
        check_properties(each, _OF_OUTPUT)
        name = _name(each.get("name"), signature)
        if name in found:
            raise bad_request(f"output {shown(name)} is asked for twice")
        found[name] = flag(parameters_of(each, f"output {shown(name)}"), "binary_data", binary)
    return found


def _name(given: Any, signature: Signature) -> str:
    if type(given) is str and given in signature.outputs:
        return given
    hint = did_you_mean(given[:_MAX_NAME], signature.outputs) if type(given) is str else ""
    raise bad_request(
        f"unknown output: {shown(given)}{hint}; allowed: {', '.join(signature.outputs)}"
    )
