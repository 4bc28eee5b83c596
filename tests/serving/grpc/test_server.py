"""gRPC from a server's start to its end, as a process of its own."""

import signal
import socket
import threading
import time

import grpc
import numpy as np
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from beltline.serving.grpc.server import MAX_CONNECTIONS
from beltline.versions.live import promote, rollback
from tests.serving import running
from tests.serving.grpc import asking
from tests.serving.grpc.asking import columns, metadata, refused, status, values

pytestmark = pytest.mark.slow

NEW = ["--grpc-port", "0", "--poll-seconds", "0.1"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A version folder with the small model."""
    folder = tmp_path_factory.mktemp("small") / "line"
    running.small_model(folder / "1")
    return folder


def test_from_the_first_version_to_a_rollback(small, tmp_path):
    """Calls that come before the first version, and while versions change, are answered."""
    folder, failed, answered = tmp_path / "line", [], []
    with running.server(folder, tmp_path / "log", *NEW) as server, asking.client(server) as client:
        refused(lambda: client.predict(columns(), timeout=60), "NOT_FOUND")
        refused(lambda: client.model.GetModelStatus(status(), timeout=60), "NOT_FOUND")
        health = client.health.Watch(HealthCheckRequest(), timeout=60)
        assert next(health).status == HealthCheckResponse.NOT_SERVING
        running.copy_version(small / "1", folder / "1")
        assert next(health).status == HealthCheckResponse.SERVING
        end = threading.Event()

        def ask():
            while not end.is_set():
                try:
                    answered.append(client.predict(columns()).model_spec.version.value)
                except grpc.RpcError as error:
                    failed.append(error)

        def wait_for(number):
            last = time.monotonic() + 20
            while client.predict(columns()).model_spec.version.value != number:
                assert time.monotonic() < last
                time.sleep(0.05)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        running.copy_version(small / "1", folder / "2")
        wait_for(2)
        promote(folder, 1)
        wait_for(1)
        rollback(folder)
        wait_for(2)
        found = client.predict(columns(label="previous")).model_spec.version.value
        end.set()
        for thread in threads:
            thread.join()
        states = client.model.GetModelStatus(status()).model_version_status
        assert [each.version for each in states] == [2, 1]
    assert found == 1
    assert failed == []
    assert set(answered) == {1, 2}


def test_a_token(small, tmp_path):
    token = "s3cret"  # noqa: S105 # of nothing
    log = tmp_path / "log"
    with (
        running.server(small, log, *NEW, BELTLINE_SERVE_TOKEN=token) as server,
        asking.client(server) as client,
    ):
        right = [("authorization", f"Bearer {token}")]
        for ask, request in (
            (client.predict, columns()),
            (client.prediction.GetModelMetadata, metadata()),
            (client.model.GetModelStatus, status()),
        ):
            for given in ([], [("authorization", "Bearer x")], [("authorization", token)]):
                why = refused(
                    lambda ask=ask, request=request, given=given: ask(request, metadata=given),
                    "UNAUTHENTICATED",
                )
                assert "Bearer TOKEN" in why
        server.wait_until_ready()
        assert values(client.predict(columns(), metadata=right))["class"] == [b"M1"]
        found = client.health.Check(HealthCheckRequest(), timeout=20)
        assert found.status == HealthCheckResponse.SERVING
        assert token not in log.read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_calls_in_flight_are_answered_before_the_server_stops(small, tmp_path, number, code):
    with running.server(small, tmp_path / "log", *NEW) as server, asking.client(server) as client:
        server.wait_until_ready()
        watched = client.health.Watch(HealthCheckRequest(), timeout=60)
        assert next(watched).status == HealthCheckResponse.SERVING
        slow = columns({"seconds": np.array([1.5], np.float32)}, signature="slow")
        asked = client.prediction.Predict.future(slow, timeout=20)
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop(number) == code
        assert values(asked.result())["turns"][0] > 0
        assert next(watched).status == HealthCheckResponse.NOT_SERVING
        assert time.monotonic() - began < 10
        refused(lambda: client.predict(columns(), timeout=1), "UNAVAILABLE")


def is_open(connection):
    """Whether the server has left it open, after what it says first."""
    connection.setblocking(False)
    try:
        while connection.recv(2**16):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def test_connections_above_the_limit_are_closed(small, tmp_path):
    with running.server(small, tmp_path / "log", *NEW) as server, asking.client(server) as client:
        server.wait_until_ready()
        client.predict(columns())
        idle = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(200)]
        try:
            assert values(client.predict(columns()))["class"] == [b"M1"]
            time.sleep(1)
            # One of those that are open is the client's.
            assert sum(is_open(each) for each in idle) == MAX_CONNECTIONS - 1
            assert server.look("/healthz").status_code == 200
        finally:
            for each in idle:
                each.close()
