"""The paths of the Open Inference Protocol that address a model."""

import re
from functools import lru_cache
from urllib.parse import unquote

from beltline.serving.rest.responses import HttpError
from beltline.serving.rest.routing import InferenceMethod, Route, version_number

MODELS = "/v2/models/"
_MODEL = re.compile(
    rf"{MODELS}(?P<name>[^/]+)(?:/versions/(?P<version>[0-9]+))?(?:/(?P<method>infer|ready))?"
)
_METHODS: dict[str | None, InferenceMethod] = {
    "infer": "infer",
    "ready": "model_ready",
    None: "model_metadata",
}


@lru_cache(256)
def parse_path(http_method: str, path: str) -> Route:
    """Returns the route of a path below `MODELS`; `path` is as it was sent, with its escapes.

    Raises:
      HttpError: there is no such path, or not for that HTTP method.
    """
    found = _MODEL.fullmatch(path)
    if found is None:
        raise HttpError(404, f"not found: {path}")
    method = _METHODS[found["method"]]
    allowed = ("POST",) if method == "infer" else ("GET", "HEAD")
    if http_method not in allowed:
        allow = (b"allow", ", ".join(allowed).encode())
        raise HttpError(405, f"{path}: method not allowed: {http_method}", allow)
    return Route(method, unquote(found["name"]), version_number(found["version"]))
