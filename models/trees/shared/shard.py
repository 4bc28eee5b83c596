"""One of the processes that grow trees together: its rows, and its part of the booster."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beltline.models.trees.inputs import TreeColumns, tree_columns
from beltline.models.trees.learner import rows_of
from beltline.models.trees.member import Plan
from beltline.models.trees.shared.part import Part

if TYPE_CHECKING:
    from beltline.models.shared.worker import Worker


class Shard(Part):
    """A share of the rows of train and validation, and a part of a booster.

    Args:
      worker: has the rows.
    """

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker.rank, worker.size)
        self._share = worker.share

    def columns(self) -> list[int]:
        """Returns the columns of numbers as of `tree_columns`."""
        # Keras' own kind of list can't be sent.
        return list(tree_columns(self._share.train, self._share.config.features).numeric)

    def begin(
        self, plan: Mapping[str, Any], objective: Mapping[str, Any], numeric: list[int]
    ) -> tuple[int, float]:
        """Begins a booster.

        Args:
          plan: a `Plan`.
          objective: an `Objective`, of the rows of all processes.
          numeric: the columns of numbers that trees split on.

        Returns:
          The number of columns, and the weight of the rows that are left out.
        """
        rows = rows_of(self._share.job(objective), TreeColumns(numeric))
        weight = self.start(Plan(**plan), rows)
        return rows.table.shape[1], weight
