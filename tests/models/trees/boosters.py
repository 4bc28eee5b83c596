"""What LightGBM itself says of a table, to compare the converted trees with."""

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np

from beltline.models.trees.growth import Growth
from beltline.models.trees.member import Member


def boosters_outputs(growth: Growth, start: Sequence[float], table: Any) -> Any:
    """The mean of what the boosters say in the best round, `[n, u]` float64."""
    said = [_of_one(member, growth.best, start, table) for member in growth.members]
    return np.mean(said, axis=0)


def _of_one(member: Member, rounds: int, start: Sequence[float], table: Any) -> Any:
    total = np.tile(np.array(start), (len(table), 1))
    left = rounds
    for block in member.blocks:
        booster = lightgbm.Booster(model_str=block)
        if left > 0:
            said = booster.predict(table, raw_score=True, num_iteration=left)
            total += said.reshape(total.shape)
        left -= booster.current_iteration()
    return total
