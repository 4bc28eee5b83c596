"""Which hyperparameters are searched, and where: what the settings declare, or around the settings.

To search another value by default, add it to `around`; its name is one of
`custom_config["tuning"]["values"]`.
"""

from collections.abc import Mapping
from typing import Any

import keras_tuner

Searched = Mapping[str, Any]
"""`min`, `max` and `scale` (`linear`, `log`, or None for either by the range), or `choices`."""

MAGNITUDES = 10
"""A range whose end is so many times its start is searched by its logarithm."""


def search_space(custom_config: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """What is searched, in KerasTuner's form; every default is what the settings say.

    Args:
      custom_config: its section `tuning`; `values` there has the settings' own value of every
        hyperparameter that can be tuned.
    """
    tuning = custom_config["tuning"]
    values = tuning["values"]
    declared = tuning["space"] or around(values)
    space = keras_tuner.HyperParameters()
    for name, searched in declared.items():
        _add(space, name, searched, values[name])
    return space


def around(values: Mapping[str, Any]) -> dict[str, Searched]:
    """What is searched where the settings declare nothing: their own values, and about them."""
    rate, dropout, depth = (values.get(each, 0) for each in ("learning_rate", "dropout", "depth"))
    wide: dict[str, Searched] = {
        "learning_rate": {"min": rate / 5, "max": rate * 5, "scale": "log"},
        "dropout": {"min": 0.0, "max": max(0.5, dropout)},
        "width": {"choices": [0.5, 1.0, 2.0]},
        "depth": {"min": 1, "max": max(4, depth)},
    }
    # A network of somebody's own may have no such thing.
    return {name: searched for name, searched in wide.items() if name in values}


def _add(space: keras_tuner.HyperParameters, name: str, searched: Searched, default: Any) -> None:
    kind = type(default)
    if searched.get("choices"):
        choices = [kind(choice) for choice in searched["choices"]]
        space.Choice(name, choices, default=default)
        return
    low, high = kind(searched["min"]), kind(searched["max"])
    add = space.Int if kind is int else space.Float
    add(name, low, high, sampling=_scale(searched), default=default)


def _scale(searched: Searched) -> str:
    many = searched["min"] > 0 and searched["max"] >= MAGNITUDES * searched["min"]
    return searched.get("scale") or ("log" if many else "linear")
