import pytest

from beltline.serving.rest.open_inference.routes import parse_path
from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.routing import Route


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("line", Route("model_metadata", "line")),
        ("line/ready", Route("model_ready", "line")),
        ("line/versions/7/ready", Route("model_ready", "line", 7)),
        ("line/versions/7", Route("model_metadata", "line", 7)),
        ("a%20b%3Ac", Route("model_metadata", "a b:c")),
    ],
)
def test_what_is_read(path, route):
    assert parse_path("GET", f"/v2/models/{path}") == route
    assert parse_path("HEAD", f"/v2/models/{path}") == route


def test_inference():
    assert parse_path("POST", "/v2/models/line/infer") == Route("infer", "line")
    assert parse_path("POST", "/v2/models/line/versions/7/infer") == Route("infer", "line", 7)


@pytest.mark.parametrize(
    "path", ["", "line/", "line/x", "line/versions/x/infer", "line/versions/infer", "line/infer/"]
)
def test_other_paths(path):
    with pytest.raises(HttpError, match="not found: /v2/models/") as caught:
        parse_path("GET", f"/v2/models/{path}")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "line/infer", b"POST"),
        ("POST", "line", b"GET, HEAD"),
        ("DELETE", "line/ready", b"GET, HEAD"),
    ],
)
def test_other_http_methods(method, path, allowed):
    with pytest.raises(HttpError, match=f"method not allowed: {method}") as caught:
        parse_path(method, f"/v2/models/{path}")
    assert caught.value.status == 405
    assert caught.value.headers == ((b"allow", allowed),)


def test_a_version_that_none_can_have():
    with pytest.raises(HttpError, match="Failed to convert version"):
        parse_path("GET", f"/v2/models/line/versions/{2**63}")
