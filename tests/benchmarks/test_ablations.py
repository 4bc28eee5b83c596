"""The ablations: their section, their networks, and one real change."""

import importlib
from typing import Any

import pytest

from beltline.models.config import features_from_config
from benchmarks.ablations import CHANGES, run_all, section
from tests.models.rows import config


def scores(name: str, value: float, log_loss: float | None = None) -> dict[str, float]:
    loss = {} if log_loss is None else {"log loss": log_loss}
    return {name: value, **loss, "seconds": 4.0}


def test_a_change_is_shown_as_its_difference() -> None:
    found = {
        "wine": {
            "the defaults": [scores("auc", 0.9, 0.2), scores("auc", 0.8, 0.4)],
            "1 member": [scores("auc", 0.8, 0.3), scores("auc", 0.8, 0.4)],
        },
        "diabetes": {"the defaults": [scores("r2", 0.5)], "1 member": [scores("r2", 0.4)]},
    }
    text = section(found, "python -m benchmarks.ablations")
    assert "| the defaults | 0.8500 / 0.3000 | 0.5000 | 4.0 |" in text
    assert "| 1 member | -0.0500 / +0.0500 | -0.1000 | 4.0 |" in text


@pytest.mark.parametrize(
    "name",
    [
        setting.partition("=")[2]
        for settings in CHANGES.values()
        for setting in settings
        if setting.startswith("model.network_fn=")
    ],
)
def test_a_variant_is_a_network(name: str) -> None:
    module, _, function = f"benchmarks.{name}".rpartition(".")
    build = getattr(importlib.import_module(module), function)
    hyperparameters = {"members": 2, "hidden": [4], "dropout": 0.0, "embedding": 4}
    model = build(features_from_config(config()), [5, 3], hyperparameters)
    assert model.output_shape == (None, 1)
    assert set(model.input) == {"numeric", "missing", "categories"}


@pytest.mark.slow
@pytest.mark.long
def test_a_change_is_run_on_the_same_rows() -> None:
    runs: dict[str, list[Any]] = {"the defaults": [], "numbers without curves": []}
    run_all("iris", 0, runs)
    base, other = (runs[change][0] for change in runs)
    assert base["log loss"] != other["log loss"]
