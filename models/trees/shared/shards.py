"""The boosters of all processes, as the Trainer begins them."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from beltline.models.job import Job
from beltline.models.shared.processes import Processes
from beltline.models.trees.inputs import TreeColumns
from beltline.models.trees.member import Member, Plan, Rows
from beltline.models.trees.shared.member import SharedMember

Array = npt.NDArray[Any]


class Shards:
    """Processes with a `Shard` each, whose LightGBM is connected.

    Args:
      processes: which.
    """

    def __init__(self, processes: Processes):
        self._processes = processes
        # The robust column of a number, which comes after its rank, unless it is flat everywhere.
        self._numeric = [max(each) for each in zip(*processes.call("columns"), strict=True)]
        processes.call("connect", list(processes.hosts), processes.call("listen"))

    def begin(self, job: Job, plan: Plan) -> tuple[Rows, TreeColumns, list[Member]]:
        """Begins a booster of all of them.

        Returns:
          What is known here of the rows, which is no table; the layer that makes the table; and
          the booster.
        """
        values = {**dataclasses.asdict(plan), "categorical": list(plan.categorical)}
        objective = dataclasses.asdict(job.objective)
        begun = self._processes.call("begin", values, objective, self._numeric)
        train, validation = len(job.train.labels), len(job.validation.labels)
        held = np.repeat([-1, 0], [train, validation])
        labels = np.concatenate([job.train.labels, job.validation.labels])
        rows = Rows(np.zeros((0, begun[0][0]), "float32"), labels, None, held)
        weight = sum(weight for _, weight in begun)
        return rows, TreeColumns(self._numeric), [SharedMember(self._processes, held, weight)]
