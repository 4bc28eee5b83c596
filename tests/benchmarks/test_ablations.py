"""The ablations: their section, their networks, and one real change."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from beltline.models.config import features_from_config
from beltline.pipeline.settings.reading import read_project
from benchmarks.ablations import run_all, section
from benchmarks.changes import GROUPS, LEARNERS, NETWORK
from tests.models.rows import config

REPOSITORY = Path(__file__).parents[2]


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
    text = section(found, "python -m benchmarks.ablations", NETWORK)
    assert "| wine | 0.8500 / 0.3000 | -0.0500 / +0.0500 |" in text
    assert "| diabetes | 0.5000 | -0.1000 |" in text
    assert "| **mean** | 0.6750 | -0.0750 |" in text and "| s | 4.0 | 4.0 |" in text
    less = section({"wine": found["wine"]}, "python -m benchmarks.ablations", NETWORK)
    assert "| 1 member | -0.0500 / +0.0500 | -0.0500 | 4.0 |" in less


def test_every_change_is_one_that_the_settings_know() -> None:
    """A key that is no more, or a learner that was renamed."""
    for group in GROUPS.values():
        for change in group.changes:
            settings = [each for each in group.settings(change) if "variants." not in each]
            read_project(REPOSITORY / "pipeline.yaml", settings)


def test_what_is_measured_is_not_run_again() -> None:
    runs = {"the defaults": [scores("auc", 0.9)], "trees alone": [scores("auc", 0.8)]}
    run_all("iris", 0, runs, LEARNERS)
    assert {change: len(metrics) for change, metrics in runs.items()} == dict.fromkeys(runs, 1)


@pytest.mark.parametrize(
    "name",
    [
        setting.partition("=")[2]
        for settings in NETWORK.changes.values()
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
    run_all("iris", 0, runs, NETWORK)
    base, other = (runs[change][0] for change in runs)
    assert base["log loss"] != other["log loss"]
