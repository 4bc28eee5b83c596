"""What starts processes that train together: whoever runs a node knows where, the Trainer asks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from beltline.base.errors import WrongInput


class Processes(Protocol):
    """Processes with an object each, whose methods are called in all of them at once."""

    hosts: list[str]
    """Where each of them runs, in the order of their ranks."""

    def call(self, method: str, *arguments: Any) -> Sequence[Any]:
        """Returns what the method returns in each of them, in the order of their ranks."""


Start = Callable[[int, str], AbstractContextManager[Processes]]
"""Of the number of processes, and the dotted name of what makes the object of each."""

_starts: list[Start] = []


def start_with(start: Start) -> None:
    """Says what starts the processes of the node that runs next in this process."""
    _starts[:] = [start]


def processes(number: int, factory: str) -> AbstractContextManager[Processes]:
    """Starts processes; they end with the block.

    Args:
      number: how many.
      factory: dotted name of what makes the object of each, of its rank and `number`.

    Raises:
      WrongInput: nothing has said where.
    """
    if not _starts:
        raise WrongInput("training.workers: more than 1 requires the node runner")
    return _starts[0](number, factory)
