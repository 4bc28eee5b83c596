"""Block after block of trees: when they stop, and that a kill in between changes nothing."""

import dataclasses
import logging
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.models.checkpoints import Checkpoints
from beltline.models.trees import member
from beltline.models.trees.growth import Growth, threads_of
from beltline.models.trees.member import Rows
from tests.models.trees.plan import PLAN


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "BLOCK", 8)


def made(number: int, held: Any, weights: Any = None) -> Rows:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(number, 4)).astype("float32")
    table[rng.random(number) < 0.1, 0] = np.nan
    table[:, 3] = rng.integers(0, 6, number)
    score = np.nan_to_num(table[:, 0]) + table[:, 1] + (table[:, 3] == 2) + rng.normal(size=number)
    return Rows(table, (score > 0.5).astype("int64"), weights, held)


ONE = made(900, np.repeat([-1, 0], [600, 300]))
"""One booster, which learns from the first 600 rows."""
THREE = made(900, np.arange(900) % 3)
"""Three, which each leave out another third."""


def growing(rows: Rows = ONE, checkpoints: Checkpoints | None = None, **changes: Any) -> Growth:
    return Growth(dataclasses.replace(PLAN, **changes), rows, checkpoints)


def grown(rows: Rows = ONE, checkpoints: Checkpoints | None = None, **changes: Any) -> Growth:
    growth = growing(rows, checkpoints, **changes)
    growth.run()
    return growth


def trees(growth: Growth) -> list[Any]:
    return [tree["tree_structure"] for dump in growth.dumps() for tree in dump["tree_info"]]


def test_every_block_of_every_booster_draws_its_rows_with_a_seed_of_its_own() -> None:
    blocks = [
        block
        for seed in (7, 8)
        for each in grown(THREE, seed=seed).members
        for block in each.blocks
    ]
    seeds = [re.findall(r"\[seed: (\d+)\]", block) for block in blocks]
    assert len(blocks) > 6
    assert len({seed for [seed] in seeds}) == len(seeds)


def test_categories_are_split_by_sets() -> None:
    dumps = grown().dumps()
    kinds = set(re.findall(r"'split_feature': (\d+).*?'decision_type': '(..)'", str(dumps)))
    assert {("0", "<="), ("1", "<="), ("3", "==")} <= kinds
    assert ("3", "<=") not in kinds


class KilledGrowth(Growth):
    """One that is killed within its third block."""

    def _grow_block(self) -> None:
        if len(self.members[0].blocks) == 2:
            raise KeyboardInterrupt
        super()._grow_block()


def test_a_growth_that_was_killed_reaches_the_same_trees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "key")
    with pytest.raises(KeyboardInterrupt):
        KilledGrowth(PLAN, THREE, checkpoints).run()
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        resumed, anew = grown(THREE, checkpoints), grown(THREE)
    assert trees(resumed) == trees(anew)
    assert "resuming an interrupted training after round 16" in caplog.text
    assert resumed.losses == anew.losses
    assert (resumed.outputs() == anew.outputs()).all()


def test_a_growth_that_was_over_grows_no_more(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "key")
    over, again = (grown(THREE, checkpoints, rounds=11) for _ in range(2))
    assert trees(over) == trees(again) and len(again.members[0].blocks) == 2


def test_a_limit_that_is_wider_now_leads_where_it_would_have_led(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "key")
    grown(THREE, checkpoints, rounds=11)
    assert trees(grown(THREE, checkpoints)) == trees(grown(THREE))


def test_a_block_goes_on_from_the_scores_of_those_before_it() -> None:
    losses = [loss for loss, _ in grown().losses]
    assert losses[8] < losses[7] < losses[0]


def test_the_same_seed_grows_the_same_trees_and_each_block_has_its_own() -> None:
    once, again, other = (trees(grown(seed=seed)) for seed in (7, 7, 8))
    assert once == again != other
    blocks = grown(parameters={**PLAN.parameters, "learning_rate": 1e-9}, patience=1000)
    first, second = (part[:7] for part in (blocks.losses[:8], blocks.losses[8:16]))
    assert first != second


def test_growth_stops_where_more_trees_do_not_help() -> None:
    growth = grown(parameters={**PLAN.parameters, "learning_rate": 0.9}, patience=3)
    held = [each for _, each in growth.losses]
    assert len(trees(growth)) == growth.best == 1 + held.index(min(held))
    assert len(held) == growth.best + 3 < PLAN.rounds


def test_growth_stops_after_the_rounds_that_are_asked_for() -> None:
    assert len(grown(rounds=11).losses) == 11


def test_growth_stops_when_its_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        assert len(trees(grown(minutes=1e-9))) == 1
    assert "1e-09 minutes (`training.minutes`) are over" in caplog.text


def test_growth_stops_where_no_leaf_can_be_split() -> None:
    growth = grown(parameters={**PLAN.parameters, "min_data_in_leaf": 10_000})
    assert len(trees(growth)) == len(growth.losses) == 1
    share = np.mean(ONE.target[600:])
    constant = 1 / (1 + np.exp(0.5))
    expected = -(share * np.log(constant) + (1 - share) * np.log(1 - constant))
    assert growth.losses[0][1] == pytest.approx(expected)


def test_weights_count_in_the_training_and_in_the_loss() -> None:
    weights = np.where(ONE.target == 1, 3.0, 1.0)
    plain = grown(rounds=1)
    weighted = grown(dataclasses.replace(ONE, weights=weights), rounds=1)
    assert trees(plain) != trees(weighted)
    assert plain.losses[0][1] != pytest.approx(weighted.losses[0][1])


def log_loss(growth: Growth, rows: Rows) -> float:
    chance = 1 / (1 + np.exp(-growth.outputs()[:, 0]))
    right = np.where(rows.target == 1, chance, 1 - chance)
    weights = np.ones(len(right)) if rows.weights is None else rows.weights
    known = rows.held >= 0
    return float(np.average(-np.log(right[known]), weights=weights[known]))


@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_said_of_rows_left_out_has_the_loss_of_the_best_round(weighted: bool) -> None:
    uneven = np.where(np.arange(900) % 3, 2, np.arange(900) % 2)
    weights = np.where(THREE.target == 1, 3.0, 1.0) if weighted else None
    for rows in (ONE, dataclasses.replace(THREE, held=uneven, weights=weights)):
        growth = grown(rows, patience=4)
        assert log_loss(growth, rows) == pytest.approx(growth.losses[growth.best - 1][1], rel=1e-6)
    # The best is in the first of several blocks.
    growth = grown(THREE, parameters={**PLAN.parameters, "learning_rate": 0.9})
    assert growth.best < 8 < len(growth.losses)
    assert log_loss(growth, THREE) == pytest.approx(growth.losses[growth.best - 1][1], rel=1e-6)
    assert len(trees(growth)) == 3 * growth.best
    assert np.isnan(grown(ONE).outputs()[:600]).all()


def test_no_booster_learns_from_a_row_that_it_leaves_out() -> None:
    # Labels that nothing predicts: who has seen a row knows its label, who hasn't can't.
    target = np.random.default_rng(3).integers(0, 2, 900)
    deep = {**PLAN.parameters, "num_leaves": 99, "min_data_in_leaf": 5, "learning_rate": 0.2}
    growth = grown(dataclasses.replace(THREE, target=target), parameters=deep)
    seen, held = growth.losses[-1]
    assert seen < 0.3 and held > 0.7
    assert min(loss for _, loss in growth.losses) > 0.65


def test_a_fold_without_one_of_the_classes_can_be_left_out() -> None:
    target = np.zeros(900, "int64")
    target[::3] = 1
    growth = grown(dataclasses.replace(THREE, target=target))
    assert np.isfinite(growth.outputs()).all()


def test_boosters_grow_side_by_side_and_as_well_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    side_by_side, together = growing(THREE), threading.Barrier(3)
    # Each waits for the two others.
    side_by_side._each(lambda _: together.wait(timeout=10))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    in_turn = growing(THREE)
    for growth in (side_by_side, in_turn):
        growth.run()
    assert side_by_side.losses == in_turn.losses
    assert side_by_side.dumps() == in_turn.dumps()


@pytest.mark.parametrize(
    ("cores", "members", "rows", "threads"),
    [(2, 8, 10**6, 1), (16, 8, 10**6, 2), (16, 1, 10**6, 16), (16, 1, 60_000, 2), (16, 1, 100, 1)],
)
def test_a_booster_has_several_threads_where_there_are_cores_and_rows_for_them(
    monkeypatch: pytest.MonkeyPatch, cores: int, members: int, rows: int, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(cores))
    assert threads_of(members, rows) == threads


def test_without_patience_all_rounds_are_grown_and_used() -> None:
    wild = {**PLAN.parameters, "learning_rate": 0.9}
    assert grown(THREE, parameters=wild, patience=3).best < 20
    growth = grown(THREE, parameters=wild, patience=None, rounds=20)
    assert growth.best == len(growth.losses) == 20
    assert len(trees(growth)) == 3 * 20


def test_where_no_row_is_left_out_all_are_learned_from(tmp_path: Path) -> None:
    rows = dataclasses.replace(ONE, held=np.full(900, -1))
    growth = grown(rows, patience=None, rounds=20)
    assert [held for _, held in growth.losses] == [None] * 20
    assert trees(growth) != trees(grown(patience=None, rounds=20))
    count = trees(growth)[0]["internal_count"]
    assert count > 600, "of the rows, 0.7 are drawn for each tree"
    # As well where it was interrupted.
    checkpoints = Checkpoints(str(tmp_path), "key")
    plan = dataclasses.replace(PLAN, patience=None, rounds=20)
    with pytest.raises(KeyboardInterrupt):
        KilledGrowth(plan, rows, checkpoints).run()
    assert trees(grown(rows, checkpoints, patience=None, rounds=20)) == trees(growth)
