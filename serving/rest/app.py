"""The routes: what each path answers, who may ask, and what an error becomes.

A plain ASGI application. A further page is a line in `_page`; what is below `/v1/` is read by
`addresses.py`.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from beltline.serving.options import Options
from beltline.serving.rest import docs_page, errors, metrics, openapi, status
from beltline.serving.rest.addresses import Address, address
from beltline.serving.rest.answer import Answer, Receive, Scope, Send
from beltline.serving.rest.bodies import Bodies
from beltline.serving.rest.classify import Classify
from beltline.serving.rest.errors import Gone, Refused, wrong
from beltline.serving.rest.predict import Predict
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.memory import State
from beltline.serving.servables.served import Served

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

_LOG = logging.getLogger("beltline.serving")
_OPEN = ("/healthz", "/readyz")
_PAGES = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}


class Application:
    """One server's answers."""

    def __init__(self, options: Options, served: Served) -> None:
        self.metrics = metrics.Metrics(served)
        self._options = options
        self._served = served
        self._token = options.token.encode()
        self._bodies = Bodies(options)
        self._predict = Predict(options, served, self.metrics)
        self._classify = Classify(options, served, self.metrics)
        self._openapi = openapi.Description(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever it is."""
        started = time.perf_counter()
        endpoint, answer = await self._answered(scope, receive)
        if answer is None:
            return
        # Counted before it is sent: whoever has the answer finds it counted.
        self.metrics.answered(endpoint, answer.status, time.perf_counter() - started)
        await answer.send(send)

    def sample_into(self, sampler: Sampler) -> None:
        """Has the rows that are answered from now on sampled."""
        self._predict.sampler = self.metrics.sampler = sampler

    def close(self) -> None:
        """Gives back what was needed to answer."""
        self._predict.close()

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[str, Answer | None]:
        path: str = scope["path"]
        endpoint = "other"
        try:
            if self._token and path not in _OPEN:
                self._check_token(scope["headers"])
            if path[:4].lower() != "/v1/":
                endpoint = _page_name(path)
                return endpoint, self._page(scope["method"], path)
            asked = address(scope["method"], scope["raw_path"].decode("ascii"))
            endpoint = asked.method
            return endpoint, await self._of_model(asked, scope, receive)
        except Refused as error:
            return endpoint, errors.answer(error)
        except Gone:
            return endpoint, None
        except Exception as error:
            return endpoint, errors.answer(_refusal(error))

    async def _of_model(self, asked: Address, scope: Scope, receive: Receive) -> Answer:
        if asked.method == "status":
            return Answer(200, status.status(self._states(asked)))
        if asked.method == "metadata":
            loaded = self._loaded(asked)
            return Answer(200, status.metadata(asked.name, loaded))
        body = await self._bodies.read(scope, receive)
        try:
            # After the body: a version may have taken over while it came.
            loaded = self._loaded(asked)
            if asked.method == "predict":
                return Answer(200, await self._predict.answer(loaded, body))
            return Answer(200, await self._classify.answer(loaded, asked.method, body))
        finally:
            self._bodies.release(body)

    def _loaded(self, asked: Address) -> Loaded:
        found = None
        if asked.name == self._options.name:
            found = self._of_label(asked.label)
            if asked.version is not None:
                found = self._served.version(asked.version)
        if found is None:
            raise Refused(404, f"Servable not found for request: {asked.wanted}")
        return found

    def _of_label(self, label: str | None) -> Loaded | None:
        if label == "previous":
            found = self._served.previous
        elif label in (None, "live"):
            return self._served.live
        else:
            found = None
        if found is None:
            raise wrong(f"Unrecognized servable version label: {label}")
        return found

    def _states(self, asked: Address) -> Iterable[State]:
        states = self._served.states() if asked.name == self._options.name else []
        number = asked.version
        if asked.label is not None:
            number = self._loaded(asked).number
        if number is None and not states:
            raise Refused(404, f"Could not find any versions of model {asked.name}")
        found = [state for state in states if number in (None, state.number)]
        if not found:
            raise Refused(404, f"Could not find version {number} of model {asked.name}")
        return found

    def _page(self, method: str, path: str) -> Answer:
        if _page_name(path) == "other":
            raise Refused(404, f"Not found: {path}")
        if method not in ("GET", "HEAD"):
            raise Refused(405, f"{path} can only be read", (b"allow", b"GET, HEAD"))
        if path == "/healthz":
            return Answer(200, b'{"status":"alive"}')
        if path == "/readyz":
            return self._ready()
        if path == "/metrics":
            return Answer(200, self.metrics.page(), metrics.KIND)
        if path == "/openapi.json":
            return Answer(200, self._openapi.document(self._served.live))
        return docs_page.page(path.removeprefix("/docs").removeprefix("/"))

    def _ready(self) -> Answer:
        live = self._served.live
        if live is not None:
            return Answer(200, b'{"status":"ready","version":"%d"}' % live.number)
        states = self._served.states()
        told = [f"version {each.number}: {each.state} {each.error}".rstrip() for each in states]
        why = "; ".join(told) or f"{self._options.folder}: no version has been pushed yet"
        raise errors.busy(f"no version is live: {why}")

    def _check_token(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        # Compared whatever the scheme is, in a time that says nothing of the token.
        same = hmac.compare_digest(token.strip(), self._token)
        if not same or scheme.lower() != b"bearer":
            challenge = (b"www-authenticate", b"Bearer")
            raise Refused(401, "This server wants `Authorization: Bearer TOKEN`", challenge)


def _page_name(path: str) -> str:
    """Returns a name for the metrics: one of a few, since anybody may ask for any path."""
    if path in _PAGES:
        return path.strip("/")
    return "docs" if path.startswith("/docs/") else "other"


def _refusal(error: Exception) -> Refused:
    found = errors.of_model(error)
    if found is None or found.status == 500:
        _LOG.error("a request failed", exc_info=error)
    return found or Refused(500, "The server failed; its log says why")
