"""Processes with an object each, as those that lead a training see them."""

from collections.abc import Sequence
from typing import Any, Protocol


class Processes(Protocol):
    """Processes whose objects' methods are called in all of them at once."""

    hosts: Sequence[str]
    """Where each of them runs, in the order of their ranks."""

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Returns what the method returns in each of them, in the order of their ranks.

        Raises:
          RuntimeError: one of them has ended, or can't be reached.
          ValueError: the method raised one.
        """


class Parts:
    """The same processes, of which each has a `Worker`, as their parts of one learner.

    Args:
      workers: the processes.
      learner: its name, as `worker.py` knows it.
    """

    def __init__(self, workers: Processes, learner: str) -> None:
        self.hosts = workers.hosts
        self._workers, self._learner = workers, learner

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Returns what the method of each part returns."""
        return self._workers.call("ask", self._learner, method, *arguments)
