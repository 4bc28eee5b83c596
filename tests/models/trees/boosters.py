"""What LightGBM itself says of a table, to compare the converted trees with."""

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np

from beltline.models.trees.growth import Growth


def boosters_outputs(growth: Growth, start: Sequence[float], table: Any) -> Any:
    """The sum of all blocks up to the best round, `[n, u]` float64."""
    total = np.tile(np.array(start), (len(table), 1))
    left = growth.best
    for block in growth.blocks:
        booster = lightgbm.Booster(model_str=block)
        if left > 0:
            said = booster.predict(table, raw_score=True, num_iteration=left)
            total += said.reshape(total.shape)
        left -= booster.current_iteration()
    return total
