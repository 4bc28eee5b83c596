"""The gRPC port, beside REST and in the same event loop.

Why `grpc.aio` and not gRPC's own threads: whoever waits for the model waits in the event loop, and
a thread would hand each call over twice. One row through a model of 0.4 ms took 1.00 ms with
`grpc.aio` and 1.08 ms with threads; nine tenths of the calls were done in 1.1 and 1.5 ms.

gRPC is in plain text, like REST: see docs/serving.md.
"""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2_grpc

from beltline.base.errors import WrongInput
from beltline.serving.grpc.calls import Calls
from beltline.serving.grpc.health import Health
from beltline.serving.options import Options
from beltline.serving.rest.app import Application
from beltline.serving.servables.served import ServedVersions

MAX_CONNECTIONS = 128
"""Each needs a file descriptor; those of REST need most that a process usually has."""
MAX_CALLS = 800
"""Calls at once; each holds 64 KiB at most before its message is received."""
_IDENTITY_ALONE = 1
_HANDSHAKE_MILLISECONDS = 10_000


class GrpcServer:
    """The gRPC side of one server; it must be made in the event loop."""

    def __init__(self, options: Options, served: ServedVersions, app: Application) -> None:
        self._options = options
        self._health = Health(served)
        self._server = grpc.aio.server(
            options=_channel_options(options), maximum_concurrent_rpcs=MAX_CALLS
        )
        self._server.add_generic_rpc_handlers(Calls(options, served, app).handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self, host: str) -> int:
        """Starts to listen on an address; returns the port.

        Raises:
          WrongInput: the address can't be bound.
        """
        address = f"[{host}]" if ":" in host else host
        wanted = self._options.limits.grpc_port
        try:
            port: int = self._server.add_insecure_port(f"{address}:{wanted}")
        except RuntimeError as error:
            raise WrongInput(
                f"{address}:{wanted}: can't listen: {error}; choose another with `--grpc-port`, or "
                "0 for a free one"
            ) from None
        await self._server.start()
        return port

    async def stop(self, seconds: float | None) -> None:
        """Takes no more calls; those in flight have so many seconds, or none at all."""
        self._health.stop()
        await self._server.stop(seconds)


def _channel_options(options: Options) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", int(options.limits.max_request_mb * 2**20)),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", MAX_CALLS),
        ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MILLISECONDS),
        # It would decompress a few kilobytes into gigabytes: its limit is for what is sent.
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ALONE),
        # A stream that nobody reads yet would come to hold megabytes.
        ("grpc.http2.bdp_probe", 0),
        # Two servers would share the port in silence.
        ("grpc.so_reuseport", 0),
    ]
