"""How a Tuner's choice overrides the settings.

What can be tuned is declared with the settings, and comes as `custom_config["tuning"]["values"]`.
To tune another value, say in `hyperparameters_of` what it changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

LEARNED_WITH = ("learning_rate", "weight_decay")
"""The hyperparameters among the settings of `training`."""
KERAS_TUNERS_OWN = "tuner/"
"""Hyperband's notes among the values of a trial begin so."""


def hyperparameters_of(
    custom_config: Mapping[str, Any], tuned: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings' `model`, `learning_rate` and `weight_decay`, overridden by what was tuned.

    Args:
      custom_config: its sections `model` and `training`.
      tuned: values by name. `width` and `depth` change `hidden`, the others replace a value.
    """
    training = custom_config["training"]
    values = {
        name: value
        for name, value in (tuned or {}).items()
        if not name.startswith(KERAS_TUNERS_OWN)
    }
    chosen = {name: training[name] for name in LEARNED_WITH}
    chosen.update(custom_config["model"])
    if "width" in values or "depth" in values:
        depth = values.pop("depth", len(chosen["hidden"]))
        chosen["hidden"] = scaled(chosen["hidden"], values.pop("width", 1.0), depth)
    return {**chosen, **values}


def scaled(hidden: Sequence[int], width: float, depth: int) -> list[int]:
    """Layers `width` times as wide, cut from the front or lengthened there to `depth` of them."""
    layers = [hidden[0]] * (depth - len(hidden)) + list(hidden)
    return [max(1, round(width * units)) for units in layers[len(layers) - depth :]]
