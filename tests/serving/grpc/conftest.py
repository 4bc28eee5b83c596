"""One server that the tests of the gRPC side share; its limits are those of the REST side's."""

import pytest

from tests.serving import running
from tests.serving.grpc import asking
from tests.serving.rest.conftest import LIMITS


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with the small model."""
    folder = tmp_path_factory.mktemp("served")
    running.small_model(folder / "line" / "1")
    options = [word for name, value in LIMITS.items() for word in (f"--{name}", value)]
    options += ["--grpc-port", "0", "--requests", str(folder / "requests")]
    with running.server(folder / "line", folder / "log", *options) as found:
        found.wait_until_ready()
        yield found


@pytest.fixture(scope="session")
def client(server):
    with asking.client(server) as found:
        yield found
