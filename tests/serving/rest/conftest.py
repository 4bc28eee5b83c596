"""One server that the tests of the HTTP side share; its limits are small."""

import pytest

from tests.serving import running

LIMITS = {
    "max-request-mb": "1",
    "max-rows": "200",
    "timeout-seconds": "2",
    "batch-rows": "16",
    "queue-rows": "64",
    "key": "part",
}


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with the small model."""
    folder = tmp_path_factory.mktemp("served")
    running.small_model(folder / "line" / "1")
    options = [word for name, value in LIMITS.items() for word in (f"--{name}", value)]
    samples = ["--requests", str(folder / "requests")]
    with running.server(folder / "line", folder / "log", *options, *samples) as found:
        found.wait_until_ready()
        yield found
