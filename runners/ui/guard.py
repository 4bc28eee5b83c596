"""Who may see the pages: a browser on this machine that was given the token.

Whatever else runs in that browser may send requests to any port of this machine, so a request must
name this server as its host, which a name that somebody makes lead here doesn't, and carry a cookie
that browsers don't send along from other sites. One that changes something must not say that it is
from elsewhere; `forms.py` has what it must know besides.
"""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENTER = "/enter"
_READING = ("GET", "HEAD")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # Other sites learn nothing. Without any referrer, a browser would not say in a form's request
    # that it is from here.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An application that only a browser with the token reaches."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        """Takes the application, the token, and the port that the server listens on."""
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        # Cookies are a host's, whatever the port.
        self._cookie = f"beltline-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        starting = scope["type"] == "lifespan"
        app = self._app if starting else self._refusal(scope) or self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Returns what answers a request in place of the application; None if that may."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return PlainTextResponse(f"this server is {', '.join(sorted(self._hosts))}\n", 421)
        if scope.get("method", "GET") not in _READING and _from_elsewhere(headers, host):
            return PlainTextResponse("the request is from a page of another site\n", 403)
        if scope["path"] == ENTER:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            return self._entered() if self._is_token(given) else _forbidden()
        return None if self._is_token(_cookie(headers, self._cookie)) else _forbidden()

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _entered(self) -> Response:
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return response


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a browser says that a page of another site, or of another port, made the request."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    return origin not in (None, f"http://{host}") or site not in (None, "same-origin")


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _forbidden() -> Response:
    return PlainTextResponse("open the address with the token that `beltline ui` printed\n", 403)
