"""The ASGI application: authenticates a request, dispatches it, and turns errors into responses.

A path below `/v1/` is parsed by `routing.py`, that of a model below `/v2/` by
`open_inference/routes.py`; everything else is a page of `pages.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.open_inference.infer import Infer
from beltline.serving.rest.open_inference.models import Models
from beltline.serving.rest.open_inference.routes import MODELS
from beltline.serving.rest.open_inference.routes import parse_path as parse_inference_path
from beltline.serving.rest.origin import check_origin
from beltline.serving.rest.pages import OTHER, UNPROTECTED, Pages, page_name
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.predict import Predict
from beltline.serving.rest.request_body import BodyReader
from beltline.serving.rest.responses import (
    ClientDisconnected,
    HttpError,
    Receive,
    Response,
    Scope,
    Send,
    as_http_error,
    error_response,
)
from beltline.serving.rest.routing import Method, Route, parse_path
from beltline.serving.servables.served import ServedVersions
from beltline.serving.token import TOKEN_REQUIRED, is_authorized

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

_LOG = logging.getLogger("beltline.serving")


class Application:
    """The ASGI application of one server.

    Attributes:
      bodies, metrics, parsing: the server's own, of which gRPC has the same.
    """

    def __init__(self, options: Options, served: ServedVersions) -> None:
        self._token = options.token
        self._host = options.host
        self.metrics = ServerMetrics(served)
        self.parsing = Parsing()
        self.bodies = BodyReader(options.limits.max_request_mb, self.parsing)
        self._models = ModelInfo(options.name, served)
        self._pages = Pages(options, served, self.metrics)
        self._predict = Predict(options, served, self.metrics, self.parsing)
        self._classify = Classify(options, served, self.metrics, self.parsing)
        self._infer = Infer(options, served, self.metrics, self.parsing)
        inference = Models(options.name, served)
        self._descriptions: dict[Method, Callable[[Route], bytes]] = {
            "status": self._models.status,
            "metadata": self._models.metadata,
            "model_metadata": inference.metadata,
            "model_ready": inference.ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, as ASGI calls it."""
        started = time.perf_counter()
        endpoint, response = await self._respond(scope, receive)
        if response is None:
            return
        # Counted before it is sent: whoever has the response finds it counted.
        self.metrics.count_request(endpoint, response.status, time.perf_counter() - started)
        await response.send(send)

    def sample_into(self, sampler: Sampler) -> None:
        """Samples the rows of all further predictions."""
        self._predict.sampler = self._classify.sampler = self._infer.sampler = sampler
        self.metrics.sampler = sampler

    def close(self) -> None:
        """Releases the threads of the application."""
        self.parsing.close()

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[str, Response | None]:
        """Returns the endpoint's name for the metrics, and the response, if anybody reads it."""
        path: str = scope["path"]
        endpoint = OTHER
        try:
            if self._token and path not in UNPROTECTED:
                self._check_token(scope["headers"])
            elif scope["method"] == "POST":
                check_origin(scope["headers"], self._host)
            route = _route(scope)
            if route is None:
                endpoint = page_name(path)
                return endpoint, self._pages.response(scope["method"], path)
            endpoint = route.method
            return endpoint, await self._call_model(route, scope, receive)
        except HttpError as error:
            return endpoint, error_response(error)
        except ClientDisconnected:
            return endpoint, None
        except Exception as error:
            return endpoint, error_response(_http_error(error))

    async def _call_model(self, route: Route, scope: Scope, receive: Receive) -> Response:
        describe = self._descriptions.get(route.method)
        if describe is not None:
            return Response(200, describe(route))
        body = await self.bodies.read(scope, receive)
        try:
            # After the body: another version may have become live meanwhile.
            servable = self._models.servable(route)
            if route.method == "predict":
                return Response(200, await self._predict.respond(servable, body))
            if route.method == "infer":
                return await self._infer.respond(servable, body, scope["headers"])
            return Response(200, await self._classify.respond(servable, route.method, body))
        finally:
            self.bodies.release(body)

    def _check_token(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        if not is_authorized(given, self._token):
            raise HttpError(401, TOKEN_REQUIRED, (b"www-authenticate", b"Bearer"))


def _route(scope: Scope) -> Route | None:
    """Returns the model and the method that a request addresses; None for a page."""
    if scope["path"].startswith(MODELS):
        return parse_inference_path(scope["method"], scope["raw_path"].decode("ascii"))
    if scope["path"][:4].lower() == "/v1/":
        return parse_path(scope["method"], scope["raw_path"].decode("ascii"))
    return None


def _http_error(error: Exception) -> HttpError:
    found = as_http_error(error)
    if found is None or found.status == 500:
        _LOG.error("a request failed", exc_info=error)
    return found or HttpError(500, "internal server error; the server's log says why")
