"""The messages of calls: how many are received at once, for how long, and the bytes in memory.

A call says nothing of its message's size before it is received. So calls take a place for as long
as they receive, each of which may come to the largest message; until then a call holds what its
stream's window lets in, 64 KiB. While no place is free, those that take the longest give way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from beltline.serving.grpc.status import CallError
from beltline.serving.rest.request_body import BodyReader

PLACES = 8
"""Messages that are received at once; a small one takes microseconds."""
_PATIENCE_SECONDS = 1.0


class Receiver:
    """Receives the messages of one server; large ones count together with bodies over REST."""

    def __init__(self, bodies: BodyReader, timeout_seconds: float) -> None:
        self._bodies = bodies
        self._seconds = timeout_seconds
        self._places = asyncio.Semaphore(PLACES)
        self._receiving: dict[asyncio.Timeout, None] = {}

    async def receive(self, context: Any) -> bytes:
        """Returns the message of a call; its bytes are counted until `release`.

        Raises:
          CallError: there is none, or it doesn't arrive in time.
          HttpError: too many large messages are in memory.
        """
        try:
            async with self._place():
                message = await context.read()
        except TimeoutError:
            raise CallError(
                grpc.StatusCode.DEADLINE_EXCEEDED, "the request did not arrive in time"
            ) from None
        if message is grpc.aio.EOF:
            raise CallError(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        self._bodies.hold(message)
        found: bytes = message
        return found

    def release(self, message: bytes) -> None:
        """Stops counting a message that is no longer needed."""
        self._bodies.release(message)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        while self._places.locked() and not await self._comes_free():
            oldest = next(iter(self._receiving), None)
            if oldest is not None and not oldest.expired():
                oldest.reschedule(0)
        async with self._places, asyncio.timeout(self._seconds) as limit:
            self._receiving[limit] = None
            try:
                yield
            finally:
                del self._receiving[limit]

    async def _comes_free(self) -> bool:
        """Waits a moment for a place; returns whether there is one."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._places:
                return True
        except TimeoutError:
            return False
