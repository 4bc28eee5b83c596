"""What is searched, in KerasTuner's form."""

import dataclasses

import pytest

from beltline.models.config import SearchRange, from_config
from beltline.models.hyperparameters import hyperparameters_of
from beltline.models.search_space import search_space
from tests.models.rows import config

CONFIG = from_config(config())


def space_of(**declared):
    space = {name: SearchRange(**searched) for name, searched in declared.items()}
    tuning = dataclasses.replace(CONFIG.tuning, space=space)
    return {each.name: each for each in search_space(tuning).space}


def test_every_default_is_what_the_settings_say():
    defaults = {name: each.default for name, each in space_of().items()}
    assert defaults == {"learning_rate": 0.01, "dropout": 0.1, "width": 1.0, "depth": 2}
    assert hyperparameters_of(CONFIG, defaults) == hyperparameters_of(CONFIG)


def test_what_is_declared_takes_the_place_of_all_that_is_not():
    found = space_of(embedding={"min": 2.0, "max": 16.0}, dropout={"choices": [0, 0.1]})
    assert set(found) == {"embedding", "dropout"}
    assert found["embedding"].prob_to_value(1 - 1e-9) == 16
    assert isinstance(found["embedding"].prob_to_value(0.5), int)
    assert found["dropout"].values == [0.0, 0.1]


@pytest.mark.parametrize(
    ("searched", "scale"),
    [
        ({"min": 0.001, "max": 0.1}, "log"),
        ({"min": 0.001, "max": 0.1, "scale": "linear"}, "linear"),
        ({"min": 0.009, "max": 0.02}, "linear"),
        ({"min": 0.009, "max": 0.02, "scale": "log"}, "log"),
        ({"min": 0.0, "max": 0.1}, "linear"),
    ],
)
def test_a_range_of_magnitudes_is_searched_by_its_logarithm(searched, scale):
    assert space_of(learning_rate=searched)["learning_rate"].sampling == scale


def test_keras_tuners_notes_are_no_hyperparameters():
    tuned = {"tuner/epochs": 3, "dropout": 0.2}
    assert hyperparameters_of(CONFIG, tuned) == hyperparameters_of(CONFIG, {"dropout": 0.2})


def test_trees_have_a_space_of_their_own():
    values = {
        "tree_learning_rate": 0.05,
        "tree_leaves": 31,
        "tree_depth": 8,
        "tree_min_rows": 20,
        "tree_columns": 0.8,
    }
    tuning = dataclasses.replace(CONFIG.tuning, values=values)
    found = {each.name: each for each in search_space(tuning).space}
    assert set(found) == set(values) - {"tree_depth"}
    for name, each in found.items():
        assert each.min_value <= each.default == values[name] <= each.max_value
    assert (found["tree_leaves"].min_value, found["tree_leaves"].max_value) == (7, 124)
