"""The ASGI application: authenticates a request, dispatches it, and turns errors into responses.

A path below `/v1/` is parsed by `routing.py`; everything else is a page of `pages.py`.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from beltline.serving.options import Options
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.model_info import ModelInfo
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
from beltline.serving.rest.routing import Route, parse_path
from beltline.serving.servables.served import ServedVersions

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

_LOG = logging.getLogger("beltline.serving")


class Application:
    """The ASGI application of one server."""

    def __init__(self, options: Options, served: ServedVersions) -> None:
        self._token = options.token.encode()
        self._host = options.host
        self._metrics = ServerMetrics(served)
        self._parsing = Parsing()
        self._bodies = BodyReader(options.limits.max_request_mb, self._parsing)
        self._models = ModelInfo(options.name, served)
        self._pages = Pages(options, served, self._metrics)
        self._predict = Predict(options, served, self._metrics, self._parsing)
        self._classify = Classify(options, served, self._metrics, self._parsing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, as ASGI calls it."""
        started = time.perf_counter()
        endpoint, response = await self._respond(scope, receive)
        if response is None:
            return
        # Counted before it is sent: whoever has the response finds it counted.
        self._metrics.count_request(endpoint, response.status, time.perf_counter() - started)
        await response.send(send)

    def sample_into(self, sampler: Sampler) -> None:
        """Samples the rows of all further predictions."""
        self._predict.sampler = self._classify.sampler = self._metrics.sampler = sampler

    def close(self) -> None:
        """Releases the threads of the application."""
        self._parsing.close()

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[str, Response | None]:
        """Returns the endpoint's name for the metrics, and the response, if anybody reads it."""
        path: str = scope["path"]
        endpoint = OTHER
        try:
            if self._token and path not in UNPROTECTED:
                self._check_token(scope["headers"])
            elif scope["method"] == "POST":
                check_origin(scope["headers"], self._host)
            if path[:4].lower() != "/v1/":
                endpoint = page_name(path)
                return endpoint, self._pages.response(scope["method"], path)
            route = parse_path(scope["method"], scope["raw_path"].decode("ascii"))
            endpoint = route.method
            return endpoint, await self._call_model(route, scope, receive)
        except HttpError as error:
            return endpoint, error_response(error)
        except ClientDisconnected:
            return endpoint, None
        except Exception as error:
            return endpoint, error_response(_http_error(error))

    async def _call_model(self, route: Route, scope: Scope, receive: Receive) -> Response:
        if route.method == "status":
            return Response(200, self._models.status(route))
        if route.method == "metadata":
            return Response(200, self._models.metadata(route))
        body = await self._bodies.read(scope, receive)
        try:
            # After the body: another version may have become live meanwhile.
            servable = self._models.servable(route)
            if route.method == "predict":
                return Response(200, await self._predict.respond(servable, body))
            return Response(200, await self._classify.respond(servable, route.method, body))
        finally:
            self._bodies.release(body)

    def _check_token(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        # Compared whatever the scheme is, in a time that doesn't depend on the token.
        same = hmac.compare_digest(token.strip(), self._token)
        if not same or scheme.lower() != b"bearer":
            challenge = (b"www-authenticate", b"Bearer")
            raise HttpError(401, "this server requires `Authorization: Bearer TOKEN`", challenge)


def _http_error(error: Exception) -> HttpError:
    found = as_http_error(error)
    if found is None or found.status == 500:
        _LOG.error("a request failed", exc_info=error)
    return found or HttpError(500, "internal server error; the server's log says why")
