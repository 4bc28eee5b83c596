"""Requests to tools: with time limits and one retry, and errors that quote no secret of a URL."""

import time
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from beltline.runners.tracking.failures import NotTold

CONNECT_SECONDS, READ_SECONDS = 5, 15
PAUSE_SECONDS = 0.5
_BUSY = (429, 500, 502, 503, 504)
_MOST_SHOWN = 200


def send(http: requests.Session, method: str, url: str, **request: Any) -> requests.Response:
    """Sends a request, once more if the server is busy or can't be reached; returns the answer.

    The answer's body has not been read: whoever doesn't ask for it doesn't wait for it.

    Raises:
      NotTold: the server can't be reached, or its answer isn't a success.
    """
    host = urlsplit(url).netloc.rpartition("@")[2] or "the URL"
    # urllib3 could retry, too, but logs the whole URL.
    try:
        try:
            answer = _sent(http, method, url, **request)
        except (requests.ConnectionError, requests.Timeout):
            answer = None
        if answer is None or answer.status_code in _BUSY:
            if answer is not None:
                answer.close()
            time.sleep(PAUSE_SECONDS)
            answer = _sent(http, method, url, **request)
    except requests.RequestException as error:
        raise NotTold(f"{host} {_why(error)}") from None
    if not 200 <= answer.status_code < 300:
        said = _beginning(answer)
        raise NotTold(f"{host} answered {answer.status_code} {answer.reason}: {said}".rstrip(": "))
    return answer


def _sent(http: requests.Session, method: str, url: str, **request: Any) -> requests.Response:
    # A redirect might lead to where the data must not go.
    limits = (CONNECT_SECONDS, READ_SECONDS)
    return http.request(method, url, timeout=limits, allow_redirects=False, stream=True, **request)


def _beginning(answer: requests.Response) -> str:
    try:
        text = answer.raw.read(_MOST_SHOWN, decode_content=True).decode(errors="replace")
    except (HTTPError, OSError):
        return ""
    return " ".join(text.split())


def _why(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "has no certificate that is trusted here"
    if isinstance(error, requests.ConnectTimeout):
        return f"did not accept a connection within {CONNECT_SECONDS} s"
    if isinstance(error, requests.Timeout):
        return f"did not answer within {READ_SECONDS} s"
    if isinstance(error, requests.ConnectionError):
        return "can't be reached"
    return f"can't be asked ({type(error).__name__})"
