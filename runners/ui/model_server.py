"""Asks the running server over HTTP, as any client does, for the answer to one row."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

# `serving.timeout_seconds` is 30 by default; the server's own words come before.
_CONNECT_SECONDS, _READ_SECONDS = 3, 35
_MOST_BYTES = 1 << 20
_MOST_SHOWN = 2000


@dataclass(frozen=True)
class ModelServer:
    """A running server: its URL, such as `http://127.0.0.1:8501`, and the token that it requires.

    Below the URL is `/v1`; the token is empty where none is required.
    """

    url: str
    token: str = field(default="", repr=False)


class NotAnswered(Exception):
    """There is no answer; the message says why, and what to do."""


@dataclass(frozen=True)
class Answer:
    """The answer of a version after some seconds, as values by name.

    `classes` has a probability for each class, the most probable first, if the model lists them.
    """

    version: str
    seconds: float
    values: dict[str, str]
    classes: list[tuple[str, float]]


def ask(server: ModelServer, name: str, row: Mapping[str, str | None]) -> Answer:
    """Returns the live model's answer.

    Args:
      server: the server.
      name: the model's name.
      row: a value for each column; None for a missing one.

    Raises:
      NotAnswered: no server listens, or it refuses the row.
    """
    begun = time.monotonic()
    status, body = _sent(server, f"/v1/models/{quote(name, safe='')}:predict", {"instances": [row]})
    seconds = time.monotonic() - begun
    found = _parsed(server, body)
    if status == 200:
        return _answer(server, found, seconds)
    if status == 401:
        raise NotAnswered(
            f"The server at {server.url} requires a token: set BELTLINE_SERVE_TOKEN to it, and "
            "start `beltline ui` again"
        )
    said = str(found.get("error", ""))[:_MOST_SHOWN]
    raise NotAnswered(f"The server at {server.url} answered {status}: {said}".rstrip(": "))


def _sent(server: ModelServer, path: str, content: Any) -> tuple[int, bytes]:
    headers = {"authorization": f"Bearer {server.token}"} if server.token else {}
    with requests.Session() as http:
        # Nothing between: neither a proxy of the environment, nor what a redirect leads to.
        http.trust_env = False
        try:
            answer = http.post(
                server.url + path,
                json=content,
                headers=headers,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            return answer.status_code, answer.raw.read(_MOST_BYTES, decode_content=True)
        except (requests.RequestException, HTTPError) as error:
            raise NotAnswered(_why(server.url, error)) from None


def _why(server: str, error: Exception) -> str:
    if isinstance(error, requests.ReadTimeout):
        return f"The server at {server} did not answer within {_READ_SECONDS} s"
    # requests has one type for no connection and for one that broke.
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError):
        return f"No server listens at {server}; start it with `beltline serve`"
    return f"The server at {server} broke off, or speaks no HTTP"


def _parsed(server: ModelServer, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _no_model_server(server)
    return found


def _answer(server: ModelServer, found: Mapping[str, Any], seconds: float) -> Answer:
    try:
        [only] = found["predictions"]
        values = dict(only) if isinstance(only, dict) else {"prediction": only}
        names, shares = values.pop("classes", ()), values.pop("probabilities", ())
        classes = [(str(name), float(share)) for name, share in zip(names, shares, strict=True)]
    except (KeyError, TypeError, ValueError):
        raise _no_model_server(server) from None
    return Answer(
        version=str(found.get("version", "")),
        seconds=seconds,
        values={
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
        },
        classes=sorted(classes, key=lambda each: -each[1]),
    )


def _no_model_server(server: ModelServer) -> NotAnswered:
    return NotAnswered(f"What listens at {server.url} is no model server")
