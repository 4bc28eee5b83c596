"""The page /docs: Swagger UI with the server's own OpenAPI document; no other host is asked.

The bundled Swagger UI reads OpenAPI 3.0. The document says 3.1 and uses nothing that 3.0 doesn't
have, so the page calls it 3.0 for it.
"""

from swagger_ui_bundle import swagger_ui_path

from beltline.serving.rest.answer import Answer
from beltline.serving.rest.errors import Refused

_KINDS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    ),
    (b"x-content-type-options", b"nosniff"),
)
_PAGE = b"""\
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
fetch("openapi.json").then(answer => answer.json()).then(document => SwaggerUIBundle({
  spec: {...document, openapi: "3.0.3"},
  dom_id: "#docs",
  validatorUrl: null,
}));
"""


def page(file: str) -> Answer:
    """Returns the page, or one of its files.

    Raises:
      Refused: there is no such file.
    """
    if not file:
        return Answer(200, _PAGE, b"text/html; charset=utf-8", _HEADERS)
    if file == "start.js":
        return Answer(200, _START, _KINDS["swagger-ui-bundle.js"], _HEADERS)
    if file not in _KINDS:
        raise Refused(404, f"Not found: /docs/{file}")
    return Answer(200, (swagger_ui_path / file).read_bytes(), _KINDS[file], _HEADERS)
