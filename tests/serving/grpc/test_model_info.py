"""GetModelMetadata and GetModelStatus, with TensorFlow Serving's own stubs as the client."""

import pytest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

from tests.serving.grpc.asking import metadata, refused, status
from tests.serving.rest.small_model import NAMES

pytestmark = pytest.mark.slow


def test_metadata(client, server):
    response = client.prediction.GetModelMetadata(metadata())
    assert (response.model_spec.name, response.model_spec.version.value) == ("line", 1)
    signatures = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert sorted(signatures.signature_def) == NAMES
    over_rest = server.look("/v1/models/line/metadata").json()["metadata"]["signature_def"]
    assert sorted(over_rest["signature_def"]) == NAMES


def test_invalid_requests_for_metadata(client):
    ask = client.prediction.GetModelMetadata
    assert "x is not supported" in refused(lambda: ask(metadata("x"))).replace('"', "")
    refused(lambda: ask(metadata(name="other")), "NOT_FOUND")
    refused(lambda: ask(metadata(version=3)), "NOT_FOUND")
    assert refused(lambda: ask(GetModelMetadataRequest())) == "Missing ModelSpec"
    asked = metadata()
    del asked.metadata_field[:]
    assert "at least one metadata_field" in refused(lambda: ask(asked))


@pytest.mark.parametrize("spec", [{}, {"version": 1}, {"label": "live"}])
def test_status(client, spec):
    [found] = client.model.GetModelStatus(status(**spec)).model_version_status
    assert (found.version, found.State.Name(found.state)) == (1, "AVAILABLE")
    assert found.status.error_code == 0


def test_invalid_requests_for_status(client):
    ask = client.model.GetModelStatus
    refused(lambda: ask(status(name="other")), "NOT_FOUND")
    assert "Could not find version 3" in refused(lambda: ask(status(version=3)), "NOT_FOUND")
    assert refused(lambda: ask(GetModelStatusRequest())) == "Missing ModelSpec"
