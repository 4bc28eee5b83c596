from pathlib import Path

import pytest
import requests

from beltline.bundle.environment import VERSION
from beltline.serving.options import Options
from beltline.serving.rest.open_inference.models import Models
from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.routing import Route
from beltline.serving.servables.served import ServedVersions
from tests.serving.rest.test_predict import refused


@pytest.mark.slow
def test_what_the_model_takes_and_answers(server):
    found = server.look("/v2/models/line").json()
    assert found == {
        "name": "line",
        "versions": ["1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [
            {"name": "die temp", "datatype": "FP64", "shape": [-1]},
            {"name": "mold", "datatype": "BYTES", "shape": [-1]},
            {"name": "temp", "datatype": "FP32", "shape": [-1]},
        ],
        "outputs": [
            {"name": "class", "datatype": "BYTES", "shape": [-1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1]},
        ],
    }
    assert server.look("/v2/models/line/versions/1").json() == found
    for path in ("line/versions/9", "other", "other/versions/1"):
        assert "Servable not found" in refused(server.look(f"/v2/models/{path}"), 404)


@pytest.mark.slow
def test_whether_it_is_ready(server):
    for path in ("line/ready", "line/versions/1/ready"):
        assert server.look(f"/v2/models/{path}").json() == {"name": "line", "ready": True}
    for path in ("line/versions/9/ready", "other/ready"):
        refused(server.look(f"/v2/models/{path}"), 404)


@pytest.mark.slow
def test_the_server(server):
    expected = {"name": "beltline", "version": VERSION, "extensions": ["binary_tensor_data"]}
    for path in ("/v2", "/v2/"):
        assert server.look(path).json() == expected
    assert server.look("/v2/health/live").json() == {"live": True}
    assert server.look("/v2/health/ready").json() == {"ready": True}
    assert requests.head(f"{server.address}/v2/health/ready", timeout=20).status_code == 200
    assert "not found: /v2/repository" in refused(server.look("/v2/repository/index"), 404)
    assert refused(requests.post(f"{server.address}/v2", timeout=20), 405)


def test_before_a_version_is_live():
    served = ServedVersions(Options("line", Path("line")))
    try:
        models = Models("line", served)
        with pytest.raises(HttpError, match="no version is ready") as caught:
            models.ready(Route("model_ready", "line"))
        assert caught.value.status == 503
        for route in (Route("model_ready", "other"), Route("model_ready", "line", 1)):
            with pytest.raises(HttpError) as caught:
                models.ready(route)
            assert caught.value.status == 404
    finally:
        served.close()
