"""What the tests' own HTTP servers share: sending an answer, and serving while a block runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def send(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        # Whoever asked may have gone meanwhile, which breaks no rule: Ctrl-C does so.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Keeps quiet."""


@contextmanager
def serving(handler: type[Handler], **known: Any) -> Iterator[str]:
    """Serves on a free port of 127.0.0.1; `known` is what the handler finds as its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), known)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
