"""Where requests are parsed: a small one on the event loop, which takes some microseconds.

A large one is parsed in a thread, one at a time, so that others are answered meanwhile and memory
stays bounded.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from beltline.serving.current_request import add_phase
from beltline.serving.rest.responses import HttpError

# Bytes; a body of this size is parsed in about a millisecond.
LARGE = 2**16

_T = TypeVar("_T")


class Parsing:
    """Parses the requests of one server."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "parse-request")

    async def run(self, size: int, parse: Callable[[], _T]) -> _T:
        """Returns what `parse` returns, for a body of `size` bytes."""
        begun = time.time_ns()
        try:
            if size < LARGE:
                return parse()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, _without_collection, parse)
        finally:
            add_phase("parse", begun)

    def close(self) -> None:
        """Ends the thread that parses large requests."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _without_collection(parse: Callable[[], _T]) -> _T:
    """Parses without garbage collections, which would walk through all that is parsed so far."""
    gc.disable()
    try:
        return parse()
    except HttpError as error:
        # What leads to it holds what was parsed, which is to be freed in this thread.
        error.__context__ = None
        raise error.with_traceback(None)  # noqa: B904 # the same error
    finally:
        gc.enable()
