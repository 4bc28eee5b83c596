"""SIGTERM and SIGINT as an exception in a node, raised until it is handled.

Python prints and drops an exception that a signal handler raises while an object is finalized.
Training finalizes many objects, so the node would run on until it is killed.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_AGAIN_SECONDS = 1.0


class NodeStopped(Exception):
    """The node was asked to stop; an Exception, so that TFX marks the execution as failed."""


@contextmanager
def stop_on_signals() -> Iterator[list[str]]:
    """Makes SIGTERM and SIGINT raise NodeStopped; yields a list that then holds the reason."""
    stopped: list[str] = []

    def stop(number: int, _: Any) -> None:
        # A second signal must not interrupt marking the execution as failed.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped.append(f"stopped by {signal.Signals(number).name}")
        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
        raise NodeStopped(stopped[0])

    def again(*_: Any) -> None:
        if not _is_being_handled():
            raise NodeStopped(stopped[0])

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_being_handled() -> bool:
    """Returns whether the interrupted code is already handling NodeStopped."""
    seen = sys.exc_info()[1]
    while seen is not None:
        if isinstance(seen, NodeStopped):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
