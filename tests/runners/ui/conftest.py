"""A client that has entered the pages of a project."""

import pytest
from starlette.testclient import TestClient

from beltline.runners.ui.app import application
from beltline.runners.ui.known import Known
from beltline.runners.ui.model_server import ModelServer
from tests.runners import projects

PORT = 8970


@pytest.fixture
def paths(tmp_path):
    return projects.paths(tmp_path)


@pytest.fixture
def client(paths):
    """No model server listens where the pages ask one."""
    known = Known(paths, "line", paths.served("served", "line"))
    app = application(known, "secret", PORT, ModelServer("http://127.0.0.1:9"))
    client = TestClient(app, base_url=f"http://127.0.0.1:{PORT}")
    client.get("/enter", params={"token": "secret"})
    return client
