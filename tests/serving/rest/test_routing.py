import pytest

from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.routing import Route, parse_path


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/models/line:predict", Route("predict", "line")),
        ("POST", "/V1/Models/Line:Predict", Route("predict", "Line")),
        ("POST", "/v1/models/line/versions/12:classify", Route("classify", "line", 12)),
        ("POST", "/v1/models/line/labels/live:regress", Route("regress", "line", None, "live")),
        ("GET", "/v1/models/line", Route("status", "line")),
        ("HEAD", "/v1/models/a%20b/versions/3", Route("status", "a b", 3)),
        ("GET", "/v1/models/line/metadata", Route("metadata", "line")),
        ("GET", "/v1/models/line/labels/a%2Fb/metadata", Route("metadata", "line", None, "a/b")),
    ],
)
def test_paths(method, path, expected):
    assert parse_path(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", "/v1/foo", "Malformed request: GET /v1/foo"),
        ("POST", "/v1/foo", "Malformed request: POST /v1/foo"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("POST", "/v1/models", "Malformed request"),
        ("GET", "/v1/models/foo:predict", "Malformed request"),
        ("POST", "/v1/models/foo", "Malformed request"),
        ("DELETE", "/v1/models/foo", "Malformed request: DELETE /v1/models/foo"),
        ("POST", "/v1/models/foo/version/50:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/HELLO:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/-1:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/1/labels/live:predict", "Malformed request"),
        ("POST", "/v1/models/foo/versions/18446744073709551615:regress", "Failed to convert"),
        ("GET", f"/v1/models/foo/versions/{'9' * 60_000}", "Failed to convert version: 999"),
    ],
)
def test_invalid_paths(method, path, why):
    with pytest.raises(HttpError) as caught:
        parse_path(method, path)
    assert why in str(caught.value)
    assert caught.value.status == 400
