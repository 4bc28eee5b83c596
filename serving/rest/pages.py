"""The pages beside the model: health, readiness, metrics, the OpenAPI document, Swagger UI.

`/docs` is Swagger UI with the server's own OpenAPI document; nothing is loaded from another host.
Its files are those of a package for Django, which is renewed with each release of Swagger UI;
nothing of it is imported. A further page is an entry in `Pages.response`.
"""

from importlib.metadata import distribution
from pathlib import Path

from beltline.bundle.environment import VERSION
from beltline.serving.options import Options
from beltline.serving.rest.metrics import CONTENT_TYPE, ServerMetrics
from beltline.serving.rest.openapi import OpenApi
from beltline.serving.rest.responses import HttpError, Response, unavailable
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.servable import Servable

UNPROTECTED = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")
"""What needs no token."""
OTHER = "other"
_SERVER = (
    b'{"name":"beltline","version":"%b","extensions":["binary_tensor_data"]}' % VERSION.encode()
)
_FIXED = {
    "/healthz": b'{"status":"alive"}',
    "/v2": _SERVER,
    "/v2/": _SERVER,
    "/v2/health/live": b'{"live":true}',
}
_PAGES = {*UNPROTECTED, *_FIXED, "/metrics", "/openapi.json", "/docs"}
_CONTENT_TYPES = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_PACKAGE = "drf_spectacular_sidecar"
_FILES = f"{_PACKAGE}/static/{_PACKAGE}/swagger-ui-dist"
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    ),
    (b"x-content-type-options", b"nosniff"),
)
_DOCS = b"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Beltline</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = b"""\
SwaggerUIBundle({url: "openapi.json", dom_id: "#docs", validatorUrl: null});
"""


class Pages:
    """The pages of one server."""

    def __init__(self, options: Options, served: ServedVersions, metrics: ServerMetrics) -> None:
        self._folder = options.folder
        self._served = served
        self._metrics = metrics
        self._openapi = OpenApi(options)
        # Now: a slow disk must not hold up the event loop, and so everybody.
        self._files = {name: _content(name) for name in _CONTENT_TYPES}

    def response(self, method: str, path: str, prefix: str = "") -> Response:
        """Returns a page.

        Args:
          method: that of HTTP.
          path: below any prefix.
          prefix: what comes before the path where the client is.

        Raises:
          HttpError: there is no such page, it is only for reading, or no version is ready.
        """
        if page_name(path) == OTHER:
            raise HttpError(404, f"not found: {path}")
        if method not in ("GET", "HEAD"):
            raise HttpError(405, f"{path}: method not allowed: {method}", (b"allow", b"GET, HEAD"))
        if path in _FIXED:
            return Response(200, _FIXED[path])
        if path == "/readyz":
            return Response(200, b'{"status":"ready","version":"%d"}' % self._live().number)
        if path == "/v2/health/ready":
            self._live()
            return Response(200, b'{"ready":true}')
        if path == "/metrics":
            return Response(200, self._metrics.page(), CONTENT_TYPE)
        if path == "/openapi.json":
            return Response(200, self._openapi.document(self._served.live, prefix))
        return self._docs(path.removeprefix("/docs").removeprefix("/"))

    def _docs(self, file: str) -> Response:
        if not file:
            return Response(200, _DOCS, b"text/html; charset=utf-8", _HEADERS)
        if file == "start.js":
            return Response(200, _START, _CONTENT_TYPES["swagger-ui-bundle.js"], _HEADERS)
        if file not in _CONTENT_TYPES:
            raise HttpError(404, f"not found: /docs/{file}")
        return Response(200, self._files[file], _CONTENT_TYPES[file], _HEADERS)

    def _live(self) -> Servable:
        live = self._served.live
        if live is not None:
            return live
        raise unavailable(f"no version is ready: {self._why_not_ready()}")

    def _why_not_ready(self) -> str:
        states = self._served.states()
        told = [f"version {each.number}: {each.state} {each.error}".rstrip() for each in states]
        return "; ".join(told) or f"{self._folder}: no version has been pushed yet"


def page_name(path: str) -> str:
    """Returns a name for the metrics: one of a few, since anybody may request any path."""
    if path in _PAGES:
        return path.strip("/")
    return "docs" if path.startswith("/docs/") else OTHER


def _content(file: str) -> bytes:
    return Path(str(distribution(_PACKAGE).locate_file(f"{_FILES}/{file}"))).read_bytes()
