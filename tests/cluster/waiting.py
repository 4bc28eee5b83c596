"""Waiting for what a cluster does in its own time."""

import time
from collections.abc import Callable


def until(true: Callable[[], bool], what: str, seconds: float = 120) -> float:
    """Waits until it is true, and returns the seconds that it took; fails after `seconds`."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.3)
    return time.monotonic() - begun
