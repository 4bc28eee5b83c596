"""The ASGI application: authenticates a request, dispatches it, and turns errors into responses.

A path below `/v1/` is parsed by `routing.py`, that of a model below `/v2/` by
`open_inference/routes.py`; everything else is a page of `pages.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.forwarding import Forwarded
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.observer import Observer
from beltline.serving.rest.open_inference.infer import Infer
from beltline.serving.rest.open_inference.models import Models
from beltline.serving.rest.open_inference.routes import MODELS
from beltline.serving.rest.open_inference.routes import parse_path as parse_inference_path
from beltline.serving.rest.origin import check_origin
from beltline.serving.rest.pages import OTHER, UNPROTECTED, Pages, page_name
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.path_prefix import PathPrefix
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
    from beltline.serving.tracing import Tracing

_LOG = logging.getLogger("beltline.serving")


class Application:
    """The ASGI application of one server.

    Attributes:
      bodies, metrics, parsing: the server's own, of which gRPC has the same.

    Raises:
      WrongInput: the access log can't be written.
    """

    def __init__(
        self, options: Options, served: ServedVersions, tracing: Tracing | None = None
    ) -> None:
        self._token = options.token
        self._host = options.host
        self._prefix = PathPrefix(options.limits.path_prefix or "")
        self._observer = Observer(options, tracing)
        self.metrics = ServerMetrics(served)
        self.metrics.access_log = self._observer.access_log
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
        observed = self._observer.begin(scope)
        endpoint, response = OTHER, None
        try:
            endpoint, response = await self._respond(scope, receive, observed.forwarded)
            if response is not None:
                # Counted before it is sent: whoever has the response finds it counted.
                self.metrics.count_request(endpoint, response.status, observed.seconds)
                await response.send(send, observed.headers)
        finally:
            self._observer.end(scope, observed, endpoint, response)

    def sample_into(self, sampler: Sampler) -> None:
        """Samples the rows of all further predictions."""
        self._predict.sampler = self._classify.sampler = self._infer.sampler = sampler
        self.metrics.sampler = sampler

    def close(self) -> None:
        """Writes what waits to be logged, and releases the threads of the application."""
        self.parsing.close()
        self._observer.close()

    async def _respond(
        self, scope: Scope, receive: Receive, forwarded: Forwarded | None
    ) -> tuple[str, Response | None]:
        """Returns the endpoint's name for the metrics, and the response, if anybody reads it."""
        endpoint = OTHER
        try:
            below = self._prefix.below(scope)
            self._check_access(scope, below, forwarded)
            if below is None:
                raise HttpError(404, f"not found: {scope['path']}; this server has a path prefix")
            route = _route(below)
            if route is None:
                endpoint = page_name(below["path"])
                prefix = self._prefix.outside(forwarded)
                return endpoint, self._pages.response(scope["method"], below["path"], prefix)
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

    def _check_access(self, scope: Scope, below: Scope | None, forwarded: Forwarded | None) -> None:
        if self._token and (below is None or below["path"] not in UNPROTECTED):
            self._check_token(scope["headers"])
        elif scope["method"] == "POST":
            check_origin(scope["headers"], self._host, forwarded)

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
