"""Who watches a run: whom the local runner tells what happens.

To show a run in another way, override what it shall be told of; `runners/cli/` has how the command
line does.
"""

from collections.abc import Callable

from beltline.runners.node.outcome import Outcome


class Watch:
    """Is told what happens; does nothing by itself."""

    every: float | None = None
    """Seconds after which `waiting` is called, and again, while nodes run; None for never."""

    def started(self, node: str) -> None:
        """A node begins."""

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """A node has ended, after so many seconds."""

    def waiting(self) -> None:
        """Nothing happened."""


class Ends(Watch):
    """Calls a function for each node that has ended.

    Args:
      on_node_end: takes the outcome and the seconds.
    """

    def __init__(self, on_node_end: Callable[[Outcome, float], None]):
        self._on_node_end = on_node_end

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Passes it on."""
        self._on_node_end(outcome, seconds)
