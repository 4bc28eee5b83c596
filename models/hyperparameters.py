"""What can be tuned, and how a Tuner's choice overrides the settings.

A number or a choice that stands in `model` can be tuned as it is. To tune another value, add it to
`untuned` and say in `hyperparameters_of` what it changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

LEARNED_WITH = ("learning_rate", "weight_decay")
"""The hyperparameters among the settings of `training`."""
KERAS_TUNERS_OWN = "tuner/"
"""Hyperband's notes among the values of a trial begin so."""


def untuned(custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings say of everything that can be tuned, by name.

    Args:
      custom_config: its sections `model` and `training`.
    """
    model, training = custom_config["model"], custom_config["training"]
    values = {name: training[name] for name in LEARNED_WITH}
    for name, value in model.items():
        if isinstance(value, int | float | str) and not name.endswith("_fn"):
            values[name] = value
    if "hidden" in model:
        values |= {"width": 1.0, "depth": len(model["hidden"])}
    return values


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
