"""LightGBM's trees as TensorFlow operations: for any values, what the library itself predicts."""

from typing import Any

import lightgbm
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.models.trees import layer as layer_module
from beltline.models.trees.forest import BITS, Forest, forest_of
from beltline.models.trees.layer import ForestLayer, MaskedForest, WalkedForest, forest_layer
from beltline.models.trees.masks import masks_of

CLOSE = 1e-6  # what a prediction may differ by; on the CPU it is far less
NUMBERS, CATEGORIES = 4, 2
IDS = 70


def table(rows: int, seed: int, missing: float = 0.1) -> Any:
    """Numbers, the last of them without gaps, then ids of categories."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, NUMBERS)).astype("float32")
    numbers[:, 1] = np.round(numbers[:, 1])
    numbers[:, :-1][rng.random((rows, NUMBERS - 1)) < missing] = np.nan
    ids = np.minimum(rng.geometric(0.1, size=(rows, CATEGORIES)), IDS - 1)
    return np.concatenate([numbers, ids], axis=1).astype("float32")


def labels(rows: Any, task: str, seed: int) -> Any:
    filled = np.nan_to_num(rows)
    noise = np.random.default_rng(seed).normal(size=len(rows)) / 2
    score = filled[:, 0] * filled[:, 1] + filled[:, 3] + np.isin(rows[:, 4], [1, 3, 9]) + noise
    if task == "regression":
        return score
    return (score > 0.5) if task == "binary" else np.digitize(score, [-0.5, 0.5, 1.5])


def grown(task: str, rounds: int, **parameters: Any) -> lightgbm.Booster:
    rows = table(1500, seed=1)
    classes = {"num_class": 4} if task == "multiclass" else {}
    common = {"objective": task, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5, **classes}
    ids = [NUMBERS, NUMBERS + 1]
    data = lightgbm.Dataset(rows, labels(rows, task, 2), categorical_feature=ids, params=common)
    return lightgbm.train({**common, **parameters}, data, rounds)


def masked(forest: Forest) -> ForestLayer:
    return MaskedForest(forest, masks_of(forest))


WAYS = {"masks": masked, "walk": WalkedForest}


def converted(way: str, *boosters: lightgbm.Booster) -> Any:
    layer = WAYS[way](forest_of([booster.dump_model() for booster in boosters]))
    spec = tf.TensorSpec([None, boosters[0].num_feature()], tf.float32)
    called = tf.function(layer.__call__, input_signature=[spec], autograph=False)
    return lambda rows: called(tf.constant(rows, tf.float32)).numpy()


def close(answers: Any, expected: Any) -> bool:
    # pytest.approx takes minutes to say how large arrays differ.
    return answers.shape == expected.shape and bool(np.all(np.abs(answers - expected) <= CLOSE))


def said_by(booster: lightgbm.Booster, rows: Any) -> Any:
    return booster.predict(rows, raw_score=True).reshape(len(rows), -1)


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def booster(request: pytest.FixtureRequest) -> lightgbm.Booster:
    booster = grown(request.param, 20, num_leaves=40, max_depth=8)
    leaves = [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
    # Trees that need more than one word of bits.
    assert max(leaves) > BITS
    return booster


@pytest.fixture(scope="module", params=list(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def both(booster: lightgbm.Booster, way: str) -> tuple[lightgbm.Booster, Any]:
    return booster, converted(way, booster)


def test_rows_like_those_of_the_training(both: tuple[lightgbm.Booster, Any]) -> None:
    booster, answer = both
    rows = table(500, seed=3)
    assert close(answer(rows), said_by(booster, rows))


NUMBER = st.one_of(
    st.floats(-4, 4, width=32),
    st.floats(width=32),
    st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-35, 3.4e38]),
)
CATEGORY = st.one_of(
    st.integers(0, IDS - 1),
    # None of them was in the training.
    st.sampled_from([-2.0, -1.0, -0.5, 31.5, 63, 64, 95, 96, 127, 128, 1e4, 1e9, np.nan, -np.inf]),
)
ROW = st.tuples(*[NUMBER] * NUMBERS, *[CATEGORY] * CATEGORIES)


@settings(deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_any_numbers_and_categories(both: tuple[lightgbm.Booster, Any], rows: list[Any]) -> None:
    booster, answer = both
    asked = np.array(rows, "float32")
    assert close(answer(asked), said_by(booster, asked))


def test_values_at_and_next_to_every_threshold(both: tuple[lightgbm.Booster, Any]) -> None:
    booster, answer = both
    forest = forest_of([booster.dump_model()])
    numeric = forest.nodes[:, 0] < 2 * forest.columns
    splits = forest.nodes[numeric & np.isfinite(forest.nodes[:, 1])]
    rows = np.tile(table(1, seed=4, missing=0), (len(splits), 1))
    numbers = np.arange(len(splits)), splits[:, 0].astype(int) % forest.columns
    for towards in (None, -np.inf, np.inf):
        at = splits[:, 1] if towards is None else np.nextafter(splits[:, 1], np.float32(towards))
        rows[numbers] = at
        assert close(answer(rows), said_by(booster, rows))


def test_a_thousand_trees_of_several_boosters(way: str) -> None:
    boosters = [
        grown("regression", 500, num_leaves=8, seed=seed, feature_fraction=0.5) for seed in (1, 2)
    ]
    rows = table(300, seed=5)
    total = sum(said_by(each, rows) for each in boosters)
    assert close(converted(way, *boosters)(rows), total)


def test_trees_that_found_nothing_to_split(way: str) -> None:
    booster = grown("binary", 3, min_data_in_leaf=1000)
    rows = table(10, seed=6)
    assert close(converted(way, booster)(rows), said_by(booster, rows))


def test_columns_that_had_no_gaps_in_training(way: str) -> None:
    rows = np.nan_to_num(table(1000, seed=7))
    data = lightgbm.Dataset(rows, labels(rows, "binary", 8))
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, data, 30)
    asked = table(500, seed=9, missing=0.5)
    assert close(converted(way, booster)(asked), said_by(booster, asked))


def test_the_last_bit_of_a_word_is_a_category_like_others(way: str) -> None:
    left, right = {"leaf_value": 1.0}, {"leaf_value": 0.0}
    split = {"split_feature": 0, "decision_type": "==", "threshold": "0||3||31"}
    tree = {"tree_structure": {**split, "left_child": left, "right_child": right}}
    dump = {"max_feature_idx": 0, "num_tree_per_iteration": 1, "tree_info": [tree]}
    ids = np.array([[3, 31, -0.5, 30, 32, 63, 1e9, -1, np.nan]], "float32").T
    answers = WAYS[way](forest_of([dump]))(tf.constant(ids)).numpy()
    assert answers[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_trees_of_few_columns_are_masks_and_those_of_many_a_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forest = forest_of([grown("binary", 5).dump_model()])
    masks = masks_of(forest)
    limits = {"MOST_COLUMNS": len(masks.columns), "MOST_BYTES": masks.size}
    for name, limit in limits.items():
        monkeypatch.setattr(layer_module, name, limit)
    assert isinstance(forest_layer(forest), MaskedForest)
    for name, limit in limits.items():
        with monkeypatch.context() as tighter:
            tighter.setattr(layer_module, name, limit - 1)
            assert isinstance(forest_layer(forest), WalkedForest)


@pytest.mark.parametrize("used", [[0, 3], [4, 5]])
def test_numbers_alone_and_categories_alone(way: str, used: list[int]) -> None:
    rows = table(1500, seed=1)
    kept = [column - NUMBERS for column in used if column >= NUMBERS]
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1}
    data = lightgbm.Dataset(rows[:, used], labels(rows, "binary", 2), categorical_feature=kept)
    booster = lightgbm.train(parameters, data, 10)
    asked = table(300, seed=3)[:, used]
    assert close(converted(way, booster)(asked), said_by(booster, asked))
