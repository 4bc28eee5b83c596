"""A part of a booster that several processes grow together.

LightGBM adds up the histograms of all parts over sockets of its own, so that each of them grows the
same trees. What it says of a loss is of one part's rows; `member.py` adds these up.

A part may wait without end for one whose process has died: whoever has started the processes kills
them then.
"""

import dataclasses
import hashlib
import socket
from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from beltline.models.shared.collective import addresses, reserved
from beltline.models.trees.growth import Growth
from beltline.models.trees.member import Plan, Rows

Array = npt.NDArray[Any]
Result = tuple[bool, float, float, float, float]
"""Of a round: whether a leaf was split, and loss and weight of rows learned from and left out."""

_MINUTES = 2  # for all parts to be there
_PARAMETERS = "\nparameters:"


class Part:
    """One of the parts; all calls must come from one thread, to which LightGBM's network belongs.

    Args:
      rank: its number.
      size: how many there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self._rank, self._size = rank, size
        self._port: socket.socket | None = None

    def listen(self) -> int:
        """Returns a free port, which is kept until `connect`."""
        self._port = reserved()
        return int(self._port.getsockname()[1])

    def connect(self, hosts: Sequence[str], ports: Sequence[int]) -> None:
        """Connects LightGBM to the other processes.

        Args:
          hosts: of all processes in the order of their ranks.
          ports: theirs.
        """
        machines = ",".join(addresses(hosts, ports))
        if self._port:
            self._port.close()
        # The network is the thread's, until the booster that opened it is gone.
        silent = {"verbosity": -1}
        least = lightgbm.Dataset(np.eye(2), [0, 1], params=silent)
        self._network = lightgbm.Booster(silent, least)
        self._network.set_network(machines, ports[self._rank], _MINUTES, self._size)

    def start(self, plan: Plan, rows: Rows) -> float:
        """Starts a booster of these rows; returns the weight of those that are left out."""
        together = {"num_machines": self._size, "tree_learner": "data", "pre_partition": True}
        plan = dataclasses.replace(plan, parameters={**plan.parameters, **together})
        weights = np.ones(len(rows.target)) if rows.weights is None else rows.weights
        self._seen = float(weights[rows.held < 0].sum())
        [self._member] = Growth(plan, rows).members
        return self._member.weight

    def open(self) -> None:
        """Begins a block."""
        self._member.open()

    def grow(self, rounds: int) -> list[Result]:
        """Adds rounds to the open block."""
        results: list[Result] = []
        for _ in range(rounds):
            split = self._member.grow()
            seen, held = self._member.losses()
            results.append((split, seen, self._seen, held or 0.0, self._member.weight))
        return results

    def close(self) -> tuple[str, str]:
        """Ends the open block; returns its text, of the first process alone, and its digest."""
        self._member.close()
        text = self._member.blocks[-1]
        trees = text[: text.index(_PARAMETERS)]
        return "" if self._rank else text, hashlib.sha256(trees.encode()).hexdigest()

    def go_on(self, number: int, block: str) -> None:
        """Adds a block, as it is written, to the scores."""
        self._member.blocks[number:] = [block]
        self._member.go_on()

    def outputs(self, rounds: int) -> Array:
        """Returns what the booster says after so many rounds of the rows left out, `[h, u]`."""
        return self._member.outputs(rounds)
