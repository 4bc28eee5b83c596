"""The booster that several processes grow together, as the growth sees it."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.shared.processes import Processes
from beltline.models.trees import member
from beltline.models.trees.member import Member
from beltline.models.trees.shared.part import Result

Array = npt.NDArray[Any]

AHEAD = 10
"""Rounds of one call: the last of them may be grown in vain."""


class SharedMember(Member):
    """The booster of all processes; each has a `Part` that was started.

    Args:
      processes: where the rows are.
      held: `[n]`, as of `Rows`: 0 for the rows that are left out.
      weight: of these, together.
    """

    def __init__(self, processes: Processes, held: Array, weight: float) -> None:
        self.blocks: list[str] = []
        """LightGBM's text of each block that is complete."""
        self.held = np.flatnonzero(held == 0)
        self.weight = weight
        self._processes = processes
        self._ahead: deque[tuple[bool, float, float | None]] = deque()
        self._grown = 0
        self._losses: tuple[float, float | None] = (np.nan, None)

    def open(self) -> None:
        """Begins a block."""
        self._grown = 0
        self._processes.call("open")

    def grow(self) -> bool:
        """Adds a round to the open block; returns whether a leaf could be split."""
        if not self._ahead:
            rounds = min(AHEAD, member.BLOCK - self._grown)
            results = self._processes.call("grow", rounds)
            self._ahead.extend(map(_together, zip(*results, strict=True)))
        self._grown += 1
        split, loss, held = self._ahead.popleft()
        self._losses = loss, held
        return split

    def losses(self) -> tuple[float, float | None]:
        """Returns the loss of the rows that it learns from, and of those left out, if there are."""
        return self._losses

    def close(self) -> None:
        """Ends the open block.

        Raises:
          RuntimeError: the processes did not grow the same trees.
        """
        closed = self._processes.call("close")
        if len({digest for _, digest in closed}) > 1:
            raise RuntimeError("the processes of a training have grown different trees")
        self.blocks.append(closed[0][0])

    def go_on(self) -> None:
        """Adds the last block to the scores of all processes."""
        self._processes.call("go_on", len(self.blocks) - 1, self.blocks[-1])

    def outputs(self, rounds: int) -> Array:
        """Returns what it says after so many rounds of the rows that it leaves out, `[h, u]`."""
        return np.concatenate(self._processes.call("outputs", rounds))


def _together(results: Sequence[Result]) -> tuple[bool, float, float | None]:
    """Returns what all processes say of one round together."""
    splits, seen, seen_weights, held, held_weights = zip(*results, strict=True)
    loss = float(np.average(held, weights=held_weights)) if sum(held_weights) else None
    return any(splits), float(np.average(seen, weights=seen_weights)), loss
