"""The growth of a forest: round after round of all its boosters, until more no longer help.

The boosters grow in step, and the loss of the rows that each of them leaves out, taken together,
says which round is the best: for all of them the same one, since the rows that a single booster
leaves out may be few.

They grow side by side, each in a thread, rather than one after another in many: OpenMP's threads
wait for each other after every step of a tree, which is most of the time where rows are few, and
ten times as much where another process has their cores.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt

from beltline.models.checkpoints import Checkpoints, TrainingState
from beltline.models.devices import cores
from beltline.models.trees import member
from beltline.models.trees.member import Member, Plan, Rows

Array = npt.NDArray[Any]

LOG = logging.getLogger("beltline.trainer")

_EVERY = 50  # rounds, between two lines of the log
_ROWS = 25_000  # of a thread, at least, where one booster has several

_Found = TypeVar("_Found")


def threads_of(members: int, rows: int) -> int:
    """Returns the threads of each booster: one, but for few boosters of many rows."""
    return max(1, min(cores() // members, rows // _ROWS))


def _members(plan: Plan, rows: Rows) -> list[Member]:
    numbers = range(max(1, int(rows.held.max()) + 1))
    threads = threads_of(len(numbers), len(rows.target))
    parameters = {**plan.parameters, "num_threads": threads}
    data = lightgbm.Dataset(
        rows.table,
        rows.target,
        weight=rows.weights,
        categorical_feature=list(plan.categorical),
        params=dict(parameters),
    ).construct()
    plan = dataclasses.replace(plan, parameters=parameters)
    return [Member(plan, rows, data, number) for number in numbers]


class Growth:
    """A forest that grows.

    Args:
      plan: how.
      rows: what to learn from, and to be judged by.
      checkpoints: where complete blocks are kept and found; None for nowhere.
      members: its boosters, where others than this process have the rows' table.
    """

    def __init__(
        self,
        plan: Plan,
        rows: Rows,
        checkpoints: Checkpoints | None = None,
        members: Sequence[Member] = (),
    ) -> None:
        self.losses: list[tuple[float, float | None]] = []
        """Of the rows learned from and of those left out, if there are, after each round."""
        self.members = members or _members(plan, rows)
        self._pool = ThreadPoolExecutor(min(len(self.members), cores()))
        self._plan, self._rows, self._checkpoints = plan, rows, checkpoints
        self._used = 0.0
        self._stuck = False

    @property
    def best(self) -> int:
        """The number of rounds with the lowest loss, the earliest of equal ones.

        All of them where the plan has no patience.
        """
        if self._plan.patience is None:
            return len(self.losses)
        return 1 + int(np.argmin(np.array([held for _, held in self.losses], "float64")))

    def run(self) -> None:
        """Grows until the end."""
        self._resume()
        saved = time.monotonic()
        while not self._is_enough():
            self._grow_block()
            due = time.monotonic() - saved >= 60 * self._plan.checkpoint_minutes
            if self._checkpoints and due:
                self._checkpoints.save(self._state())
                saved = time.monotonic()
        if self._is_late():
            LOG.info("%g minutes (`training.minutes`) are over", self._plan.minutes)
        LOG.info(
            "best of %d rounds: round %d, %s; %.1f s",
            *(len(self.losses), self.best, _told(*self.losses[self.best - 1]), self._used),
        )

    def outputs(self) -> Array:
        """Returns what the best round says of each row that is left out, else NaN, `[n, u]`."""
        said = np.full((len(self._rows.target), len(self._plan.start)), np.nan)
        outputs = self._each(lambda each: each.outputs(self.best))
        for each, found in zip(self.members, outputs, strict=True):
            said[each.held] = found
        return said

    def dumps(self) -> list[dict[str, Any]]:
        """Returns the blocks of all boosters as LightGBM dumps them, up to the best round."""
        return [dump for each in self.members for dump in each.dumps(self.best)]

    def _each(self, step: Callable[[Member], _Found]) -> list[_Found]:
        """Does a step of all boosters at once."""
        return list(self._pool.map(step, self.members))

    def _grow_block(self) -> None:
        begun, used = time.monotonic(), self._used
        self._each(lambda each: each.open())
        grown = 0
        while not grown or (grown < member.BLOCK and not self._is_enough()):
            splits = self._each(lambda each: each.grow())
            # Without a split no tree is added, but for the first one.
            self._stuck = not any(splits) and bool(self.losses)
            if not self._stuck:
                self._note()
            grown += 1
            self._used = used + time.monotonic() - begun
        self._each(lambda each: each.close())
        if not self._is_enough():
            self._each(lambda each: each.go_on())
        self._used = used + time.monotonic() - begun

    def _note(self) -> None:
        losses = self._each(lambda each: each.losses())
        weights = [each.weight for each in self.members]
        loss = float(np.mean([seen for seen, _ in losses]))
        known = [held for _, held in losses if held is not None]
        held = float(np.average(known, weights=weights)) if known else None
        self.losses.append((loss, held))
        number = len(self.losses)
        if number % _EVERY == 1:
            LOG.info("round %d: %s", number, _told(loss, held))

    def _is_enough(self) -> bool:
        plan, rounds = self._plan, len(self.losses)
        if not rounds:
            return False
        stale = plan.patience is not None and rounds - self.best >= plan.patience
        return self._stuck or stale or rounds >= plan.rounds or self._is_late()

    def _is_late(self) -> bool:
        minutes = self._plan.minutes
        return minutes is not None and self._used >= 60 * minutes

    def _state(self) -> TrainingState:
        values = {"losses": self.losses, "used": self._used, "stuck": self._stuck}
        blocks = {
            f"{place:02d}/{number:04d}": np.frombuffer(block.encode(), "uint8")
            for place, each in enumerate(self.members)
            for number, block in enumerate(each.blocks)
        }
        return TrainingState(values, blocks)

    def _resume(self) -> None:
        found = self._checkpoints.load() if self._checkpoints else None
        if not found:
            return
        self.losses = [(loss, held) for loss, held in found.values["losses"]]
        self._used, self._stuck = found.values["used"], found.values["stuck"]
        LOG.info("resuming an interrupted training after round %d", len(self.losses))
        whole = len(self.losses)
        if not self._is_enough():
            # The last block may have been cut short by a limit that is wider now.
            whole = len(self.losses) // member.BLOCK * member.BLOCK
            self.losses = self.losses[:whole]
        for name in sorted(found.arrays):
            place, number = map(int, name.split("/"))
            if member.BLOCK * number < whole:
                self.members[place].blocks.append(found.arrays[name].tobytes().decode())
                self.members[place].go_on()


def _told(loss: float, held: float | None) -> str:
    return f"loss {loss:.4f}" + ("" if held is None else f", validation {held:.4f}")
