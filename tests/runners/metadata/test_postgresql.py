"""What the fixes for PostgreSQL replace inside ML Metadata, and what they do to a request."""

import inspect
from importlib.metadata import version
from typing import Any

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

from beltline.runners.metadata import postgresql
from beltline.runners.metadata.postgresql import BACKSLASH, STAND_IN, replace

MOVED = (
    "ml-metadata {}: every request no longer goes through MetadataStore._pywrap_cc_call(self, "
    "method, request, response). Read what took its place and change "
    "runners/metadata/postgresql.py, or backslashes break PostgreSQL's queries."
)


def test_every_request_goes_through_the_method_that_is_replaced(monkeypatch) -> None:
    said, seen = MOVED.format(version("ml-metadata")), []
    names = list(inspect.signature(postgresql._call).parameters)
    assert names == ["self", "method", "request", "response"], said

    def call(store: Any, method: Any, request: Any, response: Any) -> None:
        postgresql._call(store, method, request, response)
        seen.append((type(request), len(response.ListFields())))

    monkeypatch.setattr(mlmd.MetadataStore, "_pywrap_cc_call", call)
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    store = mlmd.MetadataStore(config)
    kind = store.put_artifact_type(pb.ArtifactType(name="Model"))
    [found] = store.put_artifacts([pb.Artifact(type_id=kind, uri="a")])
    assert [artifact.uri for artifact in store.get_artifacts_by_id([found])] == ["a"]
    wanted = {service.PutArtifactsRequest: 1, service.GetArtifactsByIDRequest: 1}
    # The response is filled in when the method returns: its rows are sorted there.
    assert wanted.items() <= dict(seen).items(), said


@pytest.mark.parametrize("text", ["a\\b", "\\", "C:\\parts\\new", "none"])
def test_a_backslash_is_away_and_back_again(text: str) -> None:
    request = service.PutExecutionsRequest()
    execution = request.executions.add(name=text)
    execution.custom_properties["reason"].string_value = text
    artifact = pb.Artifact(uri=text)
    for message in (request, artifact):
        before = message.SerializeToString()
        replace(message, BACKSLASH, STAND_IN)
        assert BACKSLASH.encode() not in message.SerializeToString()
        replace(message, STAND_IN, BACKSLASH)
        assert message.SerializeToString() == before
