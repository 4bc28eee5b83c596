"""A receiver of HTTP requests that writes down what it is sent, and answers as a test wants."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http_stub import Handler, serving


@dataclass
class Receiver:
    """What was received; `statuses` are the next answers, then 200."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    """How long an answer takes."""
    endless: bool = False
    """Whether an answer begins and does not end, for as long as `seconds`."""

    @property
    def bodies(self) -> list[Any]:
        """The JSON that was received."""
        return [body for _, _, body in self.requests]


class _Handler(Handler):
    receiver: Receiver

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.receiver
        known.requests.append((self.path, dict(self.headers), json.loads(content)))
        if known.endless:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
        time.sleep(known.seconds)
        if known.endless:
            self.close_connection = True
            return
        status = known.statuses.pop(0) if known.statuses else 200
        self.send(status, "as told", "text/plain")

    def end_headers(self) -> None:
        for name, value in self.receiver.headers.items():
            self.send_header(name, value)
        super().end_headers()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receives on a free port of 127.0.0.1."""
    receiver = Receiver()
    with serving(_Handler, receiver=receiver) as url:
        receiver.url = url
        yield receiver
