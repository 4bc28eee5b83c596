"""gRPC's own health protocol, `grpc.health.v1`: whether a version is live.

Kubernetes' gRPC probes and the clients' load balancing ask for it. It needs no token, like
`/healthz` and `/readyz`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from beltline.serving.grpc.calls import SERVICES
from beltline.serving.servables.served import ServedVersions

_POLL_SECONDS = 0.5
_MAX_WATCHING = 64
_KNOWN = frozenset({"", *SERVICES})

Response = health_pb2.HealthCheckResponse


class Health:
    """The service Health; the server itself and each of its services have one status."""

    def __init__(self, served: ServedVersions) -> None:
        self._served = served
        self._stopping = asyncio.Event()
        self._watching = 0

    def stop(self) -> None:
        """Says from now on that nothing is served, and ends what is watched."""
        self._stopping.set()

    async def Check(  # noqa: N802 # the protocol's own name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> Message:
        """Returns the status of a service."""
        if request.service not in _KNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        found: Message = Response(status=self._status())
        return found

    async def Watch(  # noqa: N802 # the protocol's own name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncIterator[Message]:
        """Yields the status of a service, and each other one that it gets."""
        if self._watching >= _MAX_WATCHING:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watch already")
        self._watching += 1
        try:
            said = None
            while not self._stopping.is_set():
                known = request.service in _KNOWN
                status = self._status() if known else Response.SERVICE_UNKNOWN
                if status != said:
                    yield Response(status=status)
                    said = status
                await self._pause()
            yield Response(status=Response.NOT_SERVING)
        finally:
            self._watching -= 1

    def _status(self) -> int:
        serving = self._served.live is not None and not self._stopping.is_set()
        return int(Response.SERVING if serving else Response.NOT_SERVING)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._stopping.wait()
        except TimeoutError:
            pass
