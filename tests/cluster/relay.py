"""Lets pods reach a server that listens on 127.0.0.1 of the node."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.cluster.node import ADDRESS


def seen_by_pods(url: str) -> str:
    """Returns the URL by which pods reach what listens on 127.0.0.1."""
    return url.replace("127.0.0.1", ADDRESS)


@contextmanager
def relay(port: int) -> Iterator[None]:
    """Hands connections to that port of the node's address on to 127.0.0.1 while the block runs."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda *client: _hand_on(port, *client), ADDRESS, port)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _hand_on(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    theirs, ours = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_copy(reader, ours), _copy(theirs, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    with suppress(ConnectionError):
        writer.close()
