"""Serves the pages on this machine's own address, until Ctrl-C or SIGTERM."""

import secrets
import signal
import socket
import sys
import threading
import webbrowser
from types import FrameType

import uvicorn

from beltline.runners.ui.app import application
from beltline.runners.ui.guard import ENTER
from beltline.runners.ui.known import Known
from beltline.runners.ui.model_server import ModelServer

# Of a request in flight: all of them are short, but a report of a large run takes seconds.
_GRACE_SECONDS = 5


def serve(known: Known, server: ModelServer, listener: socket.socket, opens: bool) -> None:
    """Serves until SIGTERM or Ctrl-C, and prints the address first.

    Args:
      known: what the pages show; read once before, so that the first page is there at once.
      server: what serves the live version.
      listener: what listens on 127.0.0.1.
      opens: whether to open the address in a browser.

    Raises:
      WrongInput: ML Metadata can't be opened.
      KeyboardInterrupt: Ctrl-C.
      SystemExit: SIGTERM, with 0.
    """
    signal.signal(signal.SIGTERM, _end)
    runs = len(known.runs())
    token, port = secrets.token_urlsafe(24), listener.getsockname()[1]
    config = uvicorn.Config(
        application(known, token, port, server),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    address = f"http://127.0.0.1:{port}{ENTER}?token={token}"
    print(f"{known.pipeline}: {runs} run{'' if runs == 1 else 's'}; Ctrl-C ends the pages")
    print(address, flush=True)
    if opens:
        # It waits for what is opened, if that is a browser in the terminal.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    # It handles both signals itself, and raises them again once it has ended.
    uvicorn.Server(config).run(sockets=[listener])


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
