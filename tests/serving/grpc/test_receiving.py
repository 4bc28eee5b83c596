"""The messages of calls: how many at once, for how long, and the bytes in memory."""

import asyncio
import contextlib
import time

import grpc
import pytest

from beltline.serving.grpc.receiving import PLACES, Receiver
from beltline.serving.grpc.status import CallError
from beltline.serving.rest.parsing import LARGE, Parsing
from beltline.serving.rest.request_body import BodyReader
from beltline.serving.rest.responses import HttpError


class Call:
    """A call whose message comes after so many seconds."""

    def __init__(self, message=b"x", after=0.0):
        self.message, self.after = message, after

    async def read(self):
        await asyncio.sleep(self.after)
        return self.message


@pytest.fixture
def bodies():
    parsing = Parsing()
    yield BodyReader(1, parsing)
    parsing.close()


def test_a_message_is_counted_until_it_is_released(bodies):
    async def receive():
        receiver = Receiver(bodies, 5)
        small, large = await receiver.receive(Call()), await receiver.receive(Call(bytes(2**18)))
        held = bodies.held
        for message in (small, large):
            receiver.release(message)
        return held

    assert asyncio.run(receive()) == 2**18 - LARGE
    assert bodies.held == 0


def test_too_many_large_messages(bodies):
    async def receive():
        receiver = Receiver(bodies, 5)
        for _ in range(5):
            await receiver.receive(Call(bytes(2**20)))

    with pytest.raises(HttpError, match="too many large requests") as caught:
        asyncio.run(receive())
    assert caught.value.status == 503
    # Those of four are left; what was refused isn't.
    assert bodies.held == 4 * (2**20 - LARGE)


def test_no_message(bodies):
    with pytest.raises(CallError) as caught:
        asyncio.run(_received(bodies, Call(grpc.aio.EOF)))
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT


async def _received(bodies, call):
    return await Receiver(bodies, 0.2).receive(call)


def test_a_message_that_takes_too_long(bodies):
    with pytest.raises(CallError, match="did not arrive in time") as caught:
        asyncio.run(_received(bodies, Call(after=5)))
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_who_takes_the_longest_gives_way_to_who_waits(bodies):
    async def receive():
        receiver = Receiver(bodies, 60)
        silent = [asyncio.ensure_future(receiver.receive(Call(after=60))) for _ in range(PLACES)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        others = [receiver.receive(Call()) for _ in range(50)]
        assert await asyncio.gather(*others) == [b"x"] * 50
        ended = [each.done() for each in silent]
        for each in silent:
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError, CallError):
                await each
        return ended, time.monotonic() - began

    ended, seconds = asyncio.run(receive())
    assert ended[0] and seconds < 5


def test_a_place_is_free_again_after_a_failure(bodies):
    async def receive():
        receiver = Receiver(bodies, 0.05)
        for _ in range(PLACES + 1):
            with pytest.raises(CallError):
                await receiver.receive(Call(after=5))
        return await receiver.receive(Call())

    assert asyncio.run(receive()) == b"x"
