"""The taxi template's model for `benchmarks/stock.py`, with a learning rate that can be changed."""

from typing import Any

from tfx.experimental.templates.taxi.models.keras_model import constants, model

LEARNING_RATE = "learning_rate"


def run_fn(fn_args: Any) -> None:
    """Calls the template's own `run_fn`, which takes the learning rate from a constant.

    Args:
      fn_args: a `tfx.components.FnArgs`; its `custom_config` holds the learning rate.
    """
    constants.LEARNING_RATE = fn_args.custom_config[LEARNING_RATE]
    model.run_fn(fn_args)
