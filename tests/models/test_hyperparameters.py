"""What a Tuner's choice changes in the settings."""

import pytest

from beltline.models.config import from_config
from beltline.models.hyperparameters import hyperparameters_of, scaled
from tests.models.rows import config

CONFIG = from_config(config())
SETTINGS = {"learning_rate": 0.01, "weight_decay": 1e-4, "hidden": [16, 8], "dropout": 0.1}


def test_without_a_choice_they_are_the_settings() -> None:
    assert SETTINGS.items() <= hyperparameters_of(CONFIG).items()
    assert hyperparameters_of(CONFIG, {}) == hyperparameters_of(CONFIG)


def test_a_choice_replaces_a_value_and_the_tuners_notes_are_left_out() -> None:
    found = hyperparameters_of(CONFIG, {"dropout": 0.5, "learning_rate": 0.1, "tuner/epochs": 2})
    chosen = {"learning_rate": 0.1, "dropout": 0.5}
    assert found == {**hyperparameters_of(CONFIG), **chosen}


@pytest.mark.parametrize(
    ("tuned", "hidden"),
    [
        ({"width": 2.0}, [32, 16]),
        ({"depth": 1}, [8]),
        ({"depth": 3}, [16, 16, 8]),
        ({"width": 0.5, "depth": 4}, [8, 8, 8, 4]),
        ({"depth": 0}, []),
    ],
)
def test_width_and_depth_change_the_layers(tuned: dict[str, float], hidden: list[int]) -> None:
    found = hyperparameters_of(CONFIG, tuned)
    assert found["hidden"] == hidden
    assert not {"width", "depth"} & found.keys()
    assert CONFIG.model.hidden == [16, 8]


def test_a_layer_keeps_at_least_one_unit() -> None:
    assert scaled([8, 4], 0.01, 2) == [1, 1]
