"""Block after block of trees: when they stop, and that a kill in between changes nothing."""

import dataclasses
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.models.checkpoints import Checkpoints
from beltline.models.trees import growth
from beltline.models.trees.growth import Growth, Plan, Rows

PLAN = Plan(
    parameters={
        "objective": "binary",
        "learning_rate": 0.1,
        "num_leaves": 8,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    },
    categorical=(3,),
    start=(-0.5,),
    seed=7,
    rounds=30,
    patience=100,
    minutes=None,
    checkpoint_minutes=0,
)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "BLOCK", 8)


def rows(number: int, seed: int, weights: Any = None) -> Rows:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(number, 4)).astype("float32")
    table[rng.random(number) < 0.1, 0] = np.nan
    table[:, 3] = rng.integers(0, 6, number)
    score = np.nan_to_num(table[:, 0]) + table[:, 1] + (table[:, 3] == 2) + rng.normal(size=number)
    return Rows(table, (score > 0.5).astype("int64"), weights)


TRAIN, VALIDATION = rows(600, 1), rows(300, 2)


def growing(checkpoints: Checkpoints | None = None, **changes: Any) -> Growth:
    return Growth(dataclasses.replace(PLAN, **changes), TRAIN, VALIDATION, checkpoints)


def trees(dumps: list[dict[str, Any]]) -> list[Any]:
    return [tree["tree_structure"] for dump in dumps for tree in dump["tree_info"]]


def test_each_block_draws_its_rows_with_a_seed_of_its_own() -> None:
    grown, other = growing(), growing(seed=8)
    for each in (grown, other):
        each.run()
    seeds = [re.findall(r"\[seed: (\d+)\]", block) for block in [*grown.blocks, *other.blocks]]
    assert len(grown.blocks) > 1
    assert len({seed for [seed] in seeds}) == len(seeds)


def test_categories_are_split_by_sets() -> None:
    dumps = growing().run()
    kinds = set(re.findall(r"'split_feature': (\d+).*?'decision_type': '(..)'", str(dumps)))
    assert {("0", "<="), ("1", "<="), ("3", "==")} <= kinds
    assert ("3", "<=") not in kinds


class KilledGrowth(Growth):
    """One that is killed within its third block."""

    def _grow_block(self) -> None:
        if len(self.blocks) == 2:
            raise KeyboardInterrupt
        super()._grow_block()


def test_a_growth_that_was_killed_reaches_the_same_trees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "key")
    with pytest.raises(KeyboardInterrupt):
        KilledGrowth(PLAN, TRAIN, VALIDATION, checkpoints).run()
    resumed, anew = growing(checkpoints), growing()
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        assert trees(resumed.run()) == trees(anew.run())
    assert "resuming an interrupted training after round 16" in caplog.text
    assert resumed.losses == anew.losses


def test_a_block_goes_on_from_the_scores_of_those_before_it() -> None:
    grown = growing()
    grown.run()
    losses = [loss for loss, _ in grown.losses]
    assert losses[8] < losses[7] < losses[0]


def test_the_same_seed_grows_the_same_trees_and_each_block_has_its_own() -> None:
    once, again, other = (trees(growing(seed=seed).run()) for seed in (7, 7, 8))
    assert once == again != other
    blocks = growing(parameters={**PLAN.parameters, "learning_rate": 1e-9}, patience=1000)
    blocks.run()
    first, second = (grown[:7] for grown in (blocks.losses[:8], blocks.losses[8:16]))
    assert first != second


def test_growth_stops_where_more_trees_do_not_help() -> None:
    grown = growing(parameters={**PLAN.parameters, "learning_rate": 0.9}, patience=3)
    dumps = grown.run()
    validation = [each for _, each in grown.losses]
    assert len(trees(dumps)) == grown.best == 1 + validation.index(min(validation))
    assert len(validation) == grown.best + 3 < PLAN.rounds


def test_growth_stops_after_the_rounds_that_are_asked_for() -> None:
    grown = growing(rounds=11)
    grown.run()
    assert len(grown.losses) == 11


def test_growth_stops_when_its_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    grown = growing(minutes=1e-9)
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        assert len(trees(grown.run())) == 1
    assert "`training.minutes: 1e-09` are over" in caplog.text


def test_growth_stops_where_no_leaf_can_be_split() -> None:
    grown = growing(parameters={**PLAN.parameters, "min_data_in_leaf": 10_000})
    dumps = grown.run()
    assert len(trees(dumps)) == len(grown.losses) == 1
    share = np.mean(VALIDATION.target)
    constant = 1 / (1 + np.exp(0.5))
    expected = -(share * np.log(constant) + (1 - share) * np.log(1 - constant))
    assert grown.losses[0][1] == pytest.approx(expected)


def test_weights_count_in_the_training_and_in_the_loss() -> None:
    weights = np.where(VALIDATION.target == 1, 3.0, 1.0)
    plain, weighted = (
        growing(rounds=1),
        Growth(
            dataclasses.replace(PLAN, rounds=1),
            dataclasses.replace(TRAIN, weights=np.where(TRAIN.target == 1, 3.0, 1.0)),
            dataclasses.replace(VALIDATION, weights=weights),
        ),
    )
    assert trees(plain.run()) != trees(weighted.run())
    assert plain.losses[0][1] != pytest.approx(weighted.losses[0][1])
