"""Starts a server, and stops it gracefully: SIGTERM and Ctrl-C let requests in flight finish.

The port is bound before anything is loaded, so that a mistake shows at once. The server's standard
output is for people: the address once it listens, and each version that becomes live.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from beltline.base.errors import WrongInput
from beltline.base.listening import BACKLOG, listen
from beltline.base.printable import printable
from beltline.serving.current_request import current_request
from beltline.serving.options import Options
from beltline.serving.rest.app import Application
from beltline.serving.rest.connections import KEEP_ALIVE_SECONDS, Connection, close_unread
from beltline.serving.rest.origin import is_loopback
from beltline.serving.servables.served import ServedVersions
from beltline.serving.tracing import tracing_from_environment
from beltline.versions.folder import numbers

if TYPE_CHECKING:
    from beltline.serving.grpc.server import GrpcServer
    from beltline.serving.samples.sampler import Sampler

TOKEN = "BELTLINE_SERVE_TOKEN"  # noqa: S105 # the variable's name
_LOG = logging.getLogger("beltline.serving")
_OUR_LOGS = ("beltline.serving", "serving")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(options: Options) -> None:
    """Serves until SIGTERM, and returns once the requests in flight are answered.

    Raises:
      WrongInput: the address can't be bound, or the access log can't be written.
      KeyboardInterrupt: Ctrl-C; the requests in flight are answered too.
    """
    listener = listen(options.host, options.limits.port)
    if options.limits.grpc_port:
        # gRPC binds its own, in the event loop.
        listen(options.host, options.limits.grpc_port, "--grpc-port").close()
    _set_up_logs()
    tracing = tracing_from_environment(options.name)
    served = ServedVersions(options)
    app = Application(options, served, tracing)
    server = _Server(options, app, served, listener)
    served.start()
    try:
        server.run(sockets=[listener])
    finally:
        app.close()
        served.close()
        server.close_samples()
        if tracing is not None:
            tracing.close()
    if server.stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


def token() -> str:
    """Returns the token of the environment; empty where none is to be required.

    Raises:
      WrongInput: the variable is set, and empty: somebody meant to require one.
    """
    found = os.environ.get(TOKEN)
    if found is not None and not found.strip():
        raise WrongInput(f"{TOKEN} is empty: set it to a token, or unset it to require none")
    return found or ""


class _Server(uvicorn.Server):
    """Uvicorn's server with other messages, a graceful stop, and limits on connections."""

    def __init__(
        self,
        options: Options,
        app: Application,
        served: ServedVersions,
        listener: socket.socket,
    ) -> None:
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(options.limits.timeout_seconds) + 1,
        )
        super().__init__(config)
        self.stopped_by: int | None = None
        self._options = options
        self._listener = listener
        self._our_app = app
        self._sampler: Sampler | None = None
        self._served = served
        self._grpc: GrpcServer | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, and prints the address."""
        await super().startup(sockets)
        options = self._options
        port = self._listener.getsockname()[1]
        host, prefix = _shown(options.host), options.limits.path_prefix or ""
        address = f"http://{host}:{port}{prefix}/v1/models/{options.name}"
        _say(f"{options.name}: {address}, pages at {prefix}/docs")
        if options.limits.grpc_port is not None:
            await self._start_grpc()
        if not options.token and not is_loopback(self._listener.getsockname()[0]):
            _say(
                f"warning: anybody who reaches {host}:{port} has access; set {TOKEN} to a token "
                "that clients must send"
            )
        if options.requests:
            # It imports TensorFlow, which takes seconds.
            self._sampling = asyncio.get_running_loop().run_in_executor(None, self._start_samples)
        if not numbers(options.folder):
            _say(f"{options.name}: waiting for the first version in {options.folder}")

    async def _start_grpc(self) -> None:
        from beltline.serving.grpc.server import GrpcServer

        self._grpc = GrpcServer(self._options, self._served, self._our_app)
        port = await self._grpc.start(self._listener.getsockname()[0])
        _say(f"{self._options.name}: gRPC on {_shown(self._options.host)}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers what is in flight over either protocol, and stops."""
        if self._grpc is None:
            await super().shutdown(sockets)
            return
        seconds = self.config.timeout_graceful_shutdown
        stopping = asyncio.ensure_future(self._grpc.stop(seconds))
        await super().shutdown(sockets)
        while not stopping.done():
            if self.force_exit:
                await self._grpc.stop(None)
            await asyncio.wait([stopping], timeout=0.1)

    def _start_samples(self) -> None:
        # Nobody awaits this: what is not caught here is never heard of.
        try:
            self._served.wait_for_tensorflow()
            from beltline.serving.samples.sampler import Sampler

            self._sampler = Sampler(self._options)
            self._our_app.sample_into(self._sampler)
        except Exception:
            _LOG.exception("sampling failed to start; requests are not sampled")

    def close_samples(self) -> None:
        """Writes the samples that are still in memory."""
        if self._sampler:
            self._sampler.close()

    async def on_tick(self, counter: int) -> bool:
        """Handles a tick, ten times a second; returns whether to stop."""
        close_unread(self.server_state.connections)
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.sweep(self._options.limits.timeout_seconds)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles signals without raising them again at the end, as uvicorn would."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles a signal; a second Ctrl-C doesn't wait for requests in flight."""
        if self.stopped_by is None:
            self.stopped_by = sig
            _say(f"{self._options.name}: stopping; finishing the requests in flight")
        super().handle_exit(sig, frame)


def _set_up_logs() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Printable())
    for name in _OUR_LOGS:
        log = logging.getLogger(name)
        log.setLevel(logging.INFO)
        log.handlers = [handler]
        log.propagate = False
    # It would log each request that isn't HTTP.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


class _Printable(logging.Formatter):
    """A message may quote a request, and the log is read on a terminal.

    What is said while a request is handled has the request's id.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 # logging's own naming
        message, request = super().formatMessage(record), current_request()
        if request is None:
            return message
        trace = f", trace {request.trace_id}" if request.trace_id else ""
        return f"{message} (request {request.id}{trace})"

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    print(line, flush=True)
