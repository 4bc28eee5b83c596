"""What may be searched, and what is said where it may not."""

import pytest

from beltline.base.errors import WrongInput
from tests.pipeline.components.small import project


def space(folder, text):
    return project(folder, f"tuning.space={text}").settings.tuning.space


def test_ranges_and_choices(tmp_path):
    found = space(
        tmp_path,
        "{learning_rate: {min: 0.0001, max: 0.01}, dropout: {choices: [0, 0.2, 0.3]}, "
        "embedding: {min: 4, max: 32}, width: {min: 0.5, max: 2}, depth: {choices: [2, 3]}}",
    )
    assert (found["learning_rate"].min, found["learning_rate"].max) == (0.0001, 0.01)
    assert found["dropout"].choices == [0, 0.2, 0.3]


def test_all_that_can_be_tuned(tmp_path):
    network = "model.learners=[network]"
    settings = project(tmp_path, network, "model.dropout=0.1", "model.hidden=[64, 32, 16]").settings
    assert settings.tunable == {
        "learning_rate": 0.002,
        "weight_decay": 1e-4,
        "dropout": 0.1,
        "members": 8,
        "embedding": 16,
        "width": 1.0,
        "depth": 3,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{learning_rte: {min: 1, max: 2}}",
            "learning_rte: unknown hyperparameter: allowed: learning_rate, ",
        ),
        ("{run_fn: {choices: [a.b, c.d]}}", "run_fn: unknown hyperparameter"),
        ("{dropout: {min: 0.3, max: 0.1}}", "dropout: empty range: `min` 0.3 is not below"),
        ("{dropout: {min: 0.1, max: 0.1}}", "dropout: empty range"),
        ("{dropout: {min: 0.1}}", "dropout: set `min` and `max`, or `choices`"),
        ("{dropout: {}}", "dropout: set `min` and `max`, or `choices`"),
        ("{dropout: {choices: []}}", "dropout.choices: must have at least two different values"),
        ("{dropout: {choices: [0.1, 0.1]}}", "dropout.choices: must have at least two"),
        (
            "{dropout: {choices: [0.1, 0.2], min: 0}}",
            "`choices` can't be combined with `min`, `max`",
        ),
        ("{dropout: {min: 0, max: 0.5, scale: log}}", "dropout.min: must be above 0 with `scale"),
        ("{dropout: {min: 0, max: 1}}", "dropout: invalid value 1.0: should be less than 1"),
        ("{dropout: {min: 0.3, max: 0.5}}", "dropout: must include 0.2, the value in the settings"),
        (
            "{dropout: {choices: [0.1, 0.3]}}",
            "dropout: must include 0.2, the value in the settings",
        ),
        ("{embedding: {min: 1.5, max: 20}}", "embedding: invalid value 1.5"),
        ("{width: {min: 0, max: 2}}", "width: invalid value 0.0: should be greater than 0"),
        ("{depth: {choices: [0, 3]}}", "depth: invalid value 0"),
        ("{width: {min: 2, max: 3}}", "width: must include 1.0"),
    ],
)
def test_what_cannot_be_searched(tmp_path, text, message):
    with pytest.raises(WrongInput) as said:
        space(tmp_path, text)
    assert message in str(said.value)


def test_what_the_settings_say_may_be_moved_with_the_range(tmp_path):
    made = project(tmp_path, "model.dropout=0.3", "tuning.space={dropout: {min: 0.2, max: 0.5}}")
    assert made.settings.tuning.space["dropout"].min == 0.2


@pytest.mark.parametrize("override", ["when=sometimes", "search=random", "trials=1", "parallel=0"])
def test_how_it_is_searched_is_one_of_few(tmp_path, override):
    with pytest.raises(WrongInput, match="tuning"):
        project(tmp_path, f"tuning.{override}")


def test_only_what_learns_can_be_tuned(tmp_path):
    settings = project(tmp_path, "model.learners=[trees]", "model.tree_leaves=15").settings
    assert settings.tunable == {
        "tree_rounds": 2000,
        "tree_patience": 50,
        "tree_learning_rate": 0.05,
        "tree_leaves": 15,
        "tree_depth": 8,
        "tree_min_rows": 20,
        "tree_rows": 0.8,
        "tree_columns": 0.8,
    }
    with pytest.raises(WrongInput, match="dropout: unknown hyperparameter: allowed: tree_rounds, "):
        project(tmp_path, "model.learners=[trees]", "tuning.space={dropout: {min: 0.1, max: 0.3}}")
    with pytest.raises(WrongInput, match="tree_leaves: unknown hyperparameter: allowed: learning"):
        space = "tuning.space={tree_leaves: {min: 7, max: 63}}"
        project(tmp_path, "model.learners=[network]", space)


def test_both_learners_are_tuned_together(tmp_path):
    both = project(tmp_path, "model.learners=[network, trees]").settings.tunable
    network, trees = (
        project(tmp_path, f"model.learners=[{name}]").settings.tunable
        for name in ("network", "trees")
    )
    assert both == network | trees
