"""How forests grow: the settings, in LightGBM's words."""

from types import SimpleNamespace
from typing import Any

import pytest

from beltline.models.trees.learner import plan_of

VALUES = {
    **{"tree_learning_rate": 0.1, "tree_leaves": 15, "tree_depth": 6, "tree_min_rows": 20},
    **{"tree_rows": 0.7, "tree_columns": 0.8, "tree_rounds": 100, "tree_patience": 9},
}


def parameters(name: Any, **values: Any) -> dict[str, Any]:
    training = SimpleNamespace(seed=1, checkpoint_minutes=1.0)
    features = SimpleNamespace(task="binary", number_count=2, categorical=("mold",))
    job = SimpleNamespace(
        config=SimpleNamespace(training=training),
        features=features,
        objective=SimpleNamespace(output_bias=(0.0,)),
        recipe=None,
    )
    attempt = SimpleNamespace(hyperparameters=VALUES | values, steps=None, minutes=None)
    plan = plan_of(job, attempt, name)  # type: ignore[arg-type] # all that is used of them
    assert (plan.rounds, plan.patience, list(plan.categorical)) == (100, 9, [2])
    return dict(plan.parameters)


def test_trees_grow_as_the_settings_say() -> None:
    found = parameters("trees")
    assert not found.get("extra_trees")
    assert (found["learning_rate"], found["num_leaves"], found["max_depth"]) == (0.1, 15, 6)
    assert (found["min_data_in_leaf"], found["feature_fraction"]) == (20, 0.8)
    assert found["bagging_fraction"] == 0.7


def test_extra_trees_leave_more_to_chance_and_have_smaller_leaves() -> None:
    found, trees = parameters("extra_trees"), parameters("trees")
    assert found.pop("extra_trees") is True
    assert found.pop("min_data_in_leaf") == 10 and trees.pop("min_data_in_leaf") == 20
    assert found.pop("feature_fraction") == pytest.approx(0.5)
    del trees["feature_fraction"]
    assert found == trees
    assert parameters("extra_trees", tree_min_rows=1)["min_data_in_leaf"] == 1
