"""Which model, version and signature a request addresses.

The paths and the choice of a signature are TensorFlow Serving's, with its error messages.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import DEFAULT_SIGNATURE, Signature

InferenceMethod = Literal["infer", "model_ready", "model_metadata"]
"""Those of the Open Inference Protocol."""
ServingMethod = Literal["predict", "classify", "regress", "metadata", "status"]
"""The methods of TensorFlow Serving."""

Method = ServingMethod | InferenceMethod

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"{_MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(rf"{_MODEL}(?:/(?P<method>metadata))?", re.IGNORECASE)
_PATTERNS = {"POST": _POST, "GET": _GET, "HEAD": _GET}
_MAX_VERSION = 2**63 - 1
_KINDS = {"classify": "classification", "regress": "regression"}


@dataclass(frozen=True, slots=True)
class Route:
    """A model and the method that is called on it; without version and label the live version."""

    method: Method
    name: str
    version: int | None = None
    label: str | None = None

    @property
    def model_spec(self) -> str:
        """The model and the version as TensorFlow Serving writes them."""
        if self.version is None:
            return f"Latest({self.name})"
        return f"Specific({self.name}, {self.version})"


@lru_cache(256)
def parse_path(http_method: str, path: str) -> Route:
    """Returns the route of a path below `/v1/`; `path` is as it was sent, with its escapes.

    Raises:
      HttpError: there is no such path for that HTTP method.
    """
    pattern = _PATTERNS.get(http_method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        if http_method == "GET" and path.rstrip("/").lower() == "/v1/models":
            raise bad_request("Missing model name in request.")
        raise bad_request(f"Malformed request: {http_method} {path}")
    label = found["label"]
    return Route(
        method=(found["method"] or "status").lower(),  # type: ignore[arg-type] # one of the pattern
        name=unquote(found["name"]),
        version=version_number(found["version"]),
        label=None if label is None else unquote(label),
    )


def version_number(text: str | None) -> int | None:
    """Returns the version that a path addresses; None if it addresses none.

    Raises:
      HttpError: no version can have that number.
    """
    if text is None:
        return None
    # Python refuses to read thousands of digits.
    if len(text) > 4_000 or int(text) > _MAX_VERSION:
        raise bad_request(f"Failed to convert version: {text[:40]} to numeric.")
    return int(text)


def find_signature(servable: Servable, method: Method, document: dict[str, Any]) -> Signature:
    """Returns the signature that a request addresses.

    A caller may name it; otherwise it is `serving_default`. If that has another method, :classify
    and :regress take the first signature of theirs.

    Raises:
      HttpError: there is no such signature, or it has another method.
    """
    name = _signature_name(document)
    if method == "predict":
        found = servable.signatures.get(name or DEFAULT_SIGNATURE)
        if found is None:
            missing = name or DEFAULT_SIGNATURE
            raise bad_request(f'Serving signature name: "{missing}" not found in signature def')
        if not found.inputs:
            raise bad_request(f"Failed to get input map for signature: {name or 'DEFAULT'}")
        return found
    return _signature_of_method(servable, method, name)


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise bad_request(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be "
            "a string value."
        )
    return name


def _signature_of_method(servable: Servable, method: Method, name: str) -> Signature:
    expected = f"tensorflow/serving/{method}"
    found = servable.signatures.get(name or DEFAULT_SIGNATURE)
    if not name and (found is None or found.method != expected):
        fitting = (each for each in servable.signatures.values() if each.method == expected)
        found = next(fitting, found)
    if found is None:
        raise bad_request(f"No signature was found with the name: {name or DEFAULT_SIGNATURE}")
    if found.method != expected:
        raise bad_request(
            f"Expected {_KINDS[method]} signature method_name to be {expected}. Was: {found.method}"
        )
    if len(found.inputs) != 1:
        raise bad_request("Expected one input Tensor.")
    return found
