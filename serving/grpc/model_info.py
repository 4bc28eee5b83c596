"""GetModelMetadata and GetModelStatus, and which version a call addresses."""

import grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec

from beltline.serving.grpc.status import CallError
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import Method, Route
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import DEFAULT_SIGNATURE

_SIGNATURES = "signature_def"


def route(method: Method, spec: ModelSpec) -> Route:
    """Returns what a ModelSpec addresses."""
    version = int(spec.version.value) if spec.HasField("version") else None
    label = spec.version_label if spec.HasField("version_label") else None
    return Route(method, spec.name, version, label or None)


def answered_by(spec: ModelSpec, servable: Servable, signature: str) -> ModelSpec:
    """Returns the ModelSpec of an answer: which version and which signature it is of."""
    found = ModelSpec(name=spec.name, signature_name=signature)
    found.version.value = servable.number
    return found


def check_signature(spec: ModelSpec, servable: Servable) -> None:
    """Checks that the version has the signature that Predict addresses.

    Raises:
      CallError: it hasn't; the code is TensorFlow Serving's, another one than over REST.
    """
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        message = f"Serving signature key {shown(name)} not found."
        raise CallError(grpc.StatusCode.FAILED_PRECONDITION, message)


def metadata(models: ModelInfo, message: bytes) -> bytes:
    """Returns a GetModelMetadataResponse.

    Raises:
      HttpError: another field than the signatures is asked for, or the version is not in memory.
    """
    request = GetModelMetadataRequest.FromString(message)
    check_spec(request)
    if not request.metadata_field:
        raise bad_request("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != _SIGNATURES:
            raise bad_request(f"Metadata field {shown(field)} is not supported")
    spec, signatures = models.signatures(route("metadata", request.model_spec))
    response = GetModelMetadataResponse(model_spec=spec)
    response.metadata[_SIGNATURES].Pack(signatures)
    encoded: bytes = response.SerializeToString()
    return encoded


def status(models: ModelInfo, message: bytes) -> bytes:
    """Returns a GetModelStatusResponse.

    Raises:
      HttpError: there is no such model or version.
    """
    request = GetModelStatusRequest.FromString(message)
    check_spec(request)
    return models.states(route("status", request.model_spec)).SerializeToString()


def check_spec(request: GetModelMetadataRequest | GetModelStatusRequest) -> None:
    """Checks that a request has a ModelSpec.

    Raises:
      HttpError: it hasn't.
    """
    if not request.HasField("model_spec"):
        raise bad_request("Missing ModelSpec")
