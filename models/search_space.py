"""Which hyperparameters are searched, and where: what the settings declare, or around the settings.

To search another value by default, add it to `around`; its name is one of
`TuningConfig.values`.
"""

from collections.abc import Mapping
from typing import Any

import keras_tuner

from beltline.models.config import SearchRange, TuningConfig

MAGNITUDES = 10
"""A range whose end is so many times its start is searched by its logarithm."""


def search_space(tuning: TuningConfig) -> keras_tuner.HyperParameters:
    """Returns the search space in KerasTuner's form; every default is what the settings say."""
    declared = tuning.space or around(tuning.values)
    space = keras_tuner.HyperParameters()
    for name, searched in declared.items():
        _add(space, name, searched, tuning.values[name])
    return space


def around(values: Mapping[str, Any]) -> dict[str, SearchRange]:
    """Returns the default search space: ranges around the settings' own values."""
    rate, dropout, depth = (values.get(each, 0) for each in ("learning_rate", "dropout", "depth"))
    wide = {
        "learning_rate": SearchRange(min=rate / 5, max=rate * 5, scale="log"),
        "dropout": SearchRange(min=0.0, max=max(0.5, dropout)),
        "width": SearchRange(choices=[0.5, 1.0, 2.0]),
        "depth": SearchRange(min=1, max=max(4, depth)),
        **_around_trees(values),
    }
    # A network of somebody's own may have no such thing.
    return {name: searched for name, searched in wide.items() if name in values}


def _around_trees(values: Mapping[str, Any]) -> dict[str, SearchRange]:
    rate, columns = (values.get(f"tree_{each}", 0) for each in ("learning_rate", "columns"))
    leaves, rows = (values.get(f"tree_{each}", 0) for each in ("leaves", "min_rows"))
    return {
        "tree_learning_rate": SearchRange(min=rate / 5, max=min(1, rate * 4), scale="log"),
        "tree_leaves": SearchRange(min=max(2, leaves // 4), max=min(4096, leaves * 4), scale="log"),
        "tree_min_rows": SearchRange(min=max(1, rows // 4), max=rows * 4, scale="log"),
        "tree_columns": SearchRange(min=min(0.3, columns), max=1.0),
    }


def _add(
    space: keras_tuner.HyperParameters, name: str, searched: SearchRange, default: Any
) -> None:
    kind = type(default)
    if searched.choices:
        space.Choice(name, [kind(choice) for choice in searched.choices], default=default)
        return
    # One without choices has both ends: the settings are checked.
    low, high = kind(searched.min), kind(searched.max)
    add = space.Int if kind is int else space.Float
    add(name, low, high, sampling=searched.scale or _scale(low, high), default=default)


def _scale(low: float, high: float) -> str:
    return "log" if low > 0 and high >= MAGNITUDES * low else "linear"
