"""What a form of these pages sends. A form of any other page is refused.

Each form has a hidden field that only a page of this server can know: it is derived from the token,
and other sites' pages can't read ours.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FIELD = "form"
_TYPE = "application/x-www-form-urlencoded"
# A thousand columns with a long value each.
_MOST_BYTES = 1 << 20

Form = Mapping[str, str]


class Forms:
    """The forms of one server.

    Attributes:
      proof: the value of the hidden field.
    """

    def __init__(self, token: str) -> None:
        """Takes the token that a browser was given."""
        self.proof = hmac.digest(token.encode(), b"form", "sha256").hex()

    def answering(
        self, answer: Callable[[Request, Form], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Returns an endpoint that reads a form and answers it, in a thread.

        The endpoint raises HTTPException if the form is none, too large, or of another page.
        """

        async def endpoint(request: Request) -> Response:
            form = _parsed(await _body(request))
            if not hmac.compare_digest(form.get(FIELD, "").encode(), self.proof.encode()):
                raise HTTPException(403, "The form is not of this page; open the page again")
            return await run_in_threadpool(answer, request, form)

        return endpoint


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, f"A form has the type {_TYPE}")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, "The form is too large")
    return body


def _parsed(body: bytes) -> Form:
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise HTTPException(400, "The form is not UTF-8") from None
