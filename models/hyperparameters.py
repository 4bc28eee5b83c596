"""What can be tuned, and how a Tuner's choice overrides the settings.

To tune another value, add it to `tuning.search_space`; a name that `network_fn` or the optimizer
reads needs nothing more.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def hyperparameters_of(
    custom_config: Mapping[str, Any], tuned: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings' `model`, `learning_rate` and `weight_decay`, overridden by what was tuned.

    Args:
      custom_config: its sections `model` and `training`.
      tuned: values by name. `width` and `depth` change `hidden`, the others replace a value.
    """
    training = custom_config["training"]
    values = dict(tuned or {})
    chosen = {name: training[name] for name in ("learning_rate", "weight_decay")}
    chosen.update(custom_config["model"])
    depth = values.pop("depth", len(chosen["hidden"]))
    chosen["hidden"] = scaled(chosen["hidden"], values.pop("width", 1.0), depth)
    return {**chosen, **values}


def scaled(hidden: Sequence[int], width: float, depth: int) -> list[int]:
    """Layers `width` times as wide, cut from the front or lengthened there to `depth` of them."""
    layers = [hidden[0]] * (depth - len(hidden)) + list(hidden)
    return [max(1, round(width * units)) for units in layers[len(layers) - depth :]]
