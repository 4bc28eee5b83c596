"""How tuned hyperparameters override the settings.

What can be tuned is declared with the settings, and comes as `TuningConfig.values`.
To tune another value, apply it in `hyperparameters_of`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from beltline.models.config import Config

KERAS_TUNERS_OWN = "tuner/"
"""Prefix of the values that Hyperband adds to those of a trial."""


def hyperparameters_of(config: Config, tuned: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the section `model`, `learning_rate` and `weight_decay`, overridden by tuned values.

    A mapping and not a dataclass: it is what a `network_fn` of the user's own reads.

    Args:
      config: the sections `model` and `training` are read.
      tuned: values by name. `width` and `depth` change `hidden`, the others replace a value.
    """
    values = {
        name: value
        for name, value in (tuned or {}).items()
        if not name.startswith(KERAS_TUNERS_OWN)
    }
    chosen: dict[str, Any] = {
        "learning_rate": config.training.learning_rate,
        "weight_decay": config.training.weight_decay,
        **dataclasses.asdict(config.model),
    }
    if "width" in values or "depth" in values:
        depth = values.pop("depth", len(chosen["hidden"]))
        chosen["hidden"] = scaled(chosen["hidden"], values.pop("width", 1.0), depth)
    return {**chosen, **values}


def scaled(hidden: Sequence[int], width: float, depth: int) -> list[int]:
    """Returns `depth` layers, `width` times as wide; the front is cut or repeated."""
    layers = [hidden[0]] * (depth - len(hidden)) + list(hidden)
    return [max(1, round(width * units)) for units in layers[len(layers) - depth :]]
