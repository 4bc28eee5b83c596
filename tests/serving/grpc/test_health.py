"""gRPC's health protocol."""

import threading

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from tests.serving.grpc.asking import refused

pytestmark = pytest.mark.slow

SERVICES = ["", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_with_a_live_version_serves(client, service):
    found = client.health.Check(HealthCheckRequest(service=service), timeout=20)
    assert found.status == HealthCheckResponse.SERVING


def test_an_unknown_service(client):
    refused(lambda: client.health.Check(HealthCheckRequest(service="x"), timeout=20), "NOT_FOUND")
    found = next(client.health.Watch(HealthCheckRequest(service="x"), timeout=20))
    assert found.status == HealthCheckResponse.SERVICE_UNKNOWN


def test_few_may_watch(client):
    watched = [client.health.Watch(HealthCheckRequest(), timeout=20) for _ in range(64)]
    try:
        assert {next(each).status for each in watched} == {HealthCheckResponse.SERVING}
        one_more = client.health.Watch(HealthCheckRequest(), timeout=20)
        refused(lambda: next(one_more), "RESOURCE_EXHAUSTED")
    finally:
        for each in watched:
            each.cancel()
    end = threading.Event()
    for _ in range(50):
        try:
            assert next(client.health.Watch(HealthCheckRequest(), timeout=20)).status
            return
        except Exception:
            end.wait(0.1)
    raise AssertionError("those that were cancelled still count")
