"""One booster of two parts, which LightGBM connects over sockets; here in two threads."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beltline.models.checkpoints import Checkpoints
from beltline.models.trees import member
from beltline.models.trees.growth import Growth
from beltline.models.trees.member import Plan, Rows
from beltline.models.trees.shared.member import SharedMember
from beltline.models.trees.shared.part import Part
from tests.models.trees.plan import PLAN as SLOW
from tests.models.trees.shared.threads import Threads

PLAN = dataclasses.replace(
    SLOW, rounds=60, patience=10, parameters={**SLOW.parameters, "learning_rate": 0.2}
)


def rows(number: int = 2000) -> Rows:
    """Rows in the order of their labels, of which a fifth is left out."""
    rng = np.random.default_rng(1)
    table = rng.normal(size=(number, 4)).astype("float32")
    table[rng.random(number) < 0.1, 0] = np.nan
    table[:, 3] = rng.integers(0, 6, number)
    score = np.nan_to_num(table[:, 0]) + table[:, 1] + (table[:, 3] == 2) + rng.normal(size=number)
    held = np.where(np.arange(number) % 5, -1, 0)
    order = np.argsort(score > 0.5, kind="stable")
    return Rows(table[order], (score > 0.5)[order].astype("int64"), None, held)


def of(whole: Rows, where: Any) -> Rows:
    weights = None if whole.weights is None else whole.weights[where]
    return Rows(whole.table[where], whole.target[where], weights, whole.held[where])


class Parts(Threads):
    """Parts of boosters, each with its share of the rows."""

    def __init__(self, shares: list[Rows]):
        super().__init__([Part(rank, len(shares)) for rank in range(len(shares))])
        self._shares = shares
        self.call("connect", self.hosts, self.call("listen"))

    def member(self, plan: Plan = PLAN) -> SharedMember:
        weights = self.each("start", [(plan, share) for share in self._shares])
        return SharedMember(self, self.rows.held, sum(weights))

    @property
    def rows(self) -> Rows:
        """What is known of them without their table."""
        target, held = (
            np.concatenate([getattr(share, name) for share in self._shares])
            for name in ("target", "held")
        )
        return Rows(np.zeros((0, 4), "float32"), target, None, held)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "BLOCK", 16)


@pytest.fixture
def halves() -> Iterator[Parts]:
    """The first half has one class, but for a few rows."""
    whole = rows()
    yield Parts([of(whole, slice(1000)), of(whole, slice(1000, None))])


def grown(threads: Parts, checkpoints: Checkpoints | None = None, **changes: Any) -> Growth:
    plan = dataclasses.replace(PLAN, **changes)
    growth = Growth(plan, threads.rows, checkpoints, [threads.member(plan)])
    growth.run()
    return growth


def said(growth: Growth) -> Any:
    """What it says of the rows left out, in their order."""
    outputs = growth.outputs()[:, 0]
    return outputs[~np.isnan(outputs)]


def loss(growth: Growth, target: Any, weights: Any = None) -> float:
    chance = 1 / (1 + np.exp(-said(growth)))
    return float(np.average(-np.log(np.where(target == 1, chance, 1 - chance)), weights=weights))


def test_the_loss_is_that_of_the_rows_left_out_by_all(halves: Parts) -> None:
    whole = rows()
    held = whole.held == 0
    growth = grown(halves)
    assert growth.best < len(growth.losses), "it stops early"
    assert growth.losses[growth.best - 1][1] == pytest.approx(loss(growth, whole.target[held]))


def test_weights_count() -> None:
    whole = dataclasses.replace(rows(), weights=np.where(rows().target == 1, 3.0, 1.0))
    held = whole.held == 0
    growth = grown(Parts([of(whole, slice(700)), of(whole, slice(700, None))]))
    assert whole.weights is not None
    expected = loss(growth, whole.target[held], whole.weights[held])
    assert growth.losses[growth.best - 1][1] == pytest.approx(expected)


def test_two_parts_learn_what_one_booster_does(halves: Parts) -> None:
    whole = rows()
    alone = Growth(PLAN, whole)
    alone.run()
    expected = alone.losses[alone.best - 1][1]
    growth = grown(halves)
    assert expected and growth.losses[growth.best - 1][1] == pytest.approx(expected, rel=0.05)
    assert np.corrcoef(said(alone), said(growth))[0, 1] > 0.95


def test_the_same_rows_and_seed_give_the_same_trees(halves: Parts) -> None:
    first, again, other = grown(halves), grown(halves), grown(halves, seed=8)
    assert first.dumps() == again.dumps() != other.dumps()
    assert first.losses == again.losses


def test_one_that_was_interrupted_reaches_the_same_trees(halves: Parts, tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "key")

    class Killed(Growth):
        def _grow_block(self) -> None:
            if len(self.members[0].blocks) == 2:
                raise KeyboardInterrupt
            super()._grow_block()

    plan = dataclasses.replace(PLAN, patience=100)
    with pytest.raises(KeyboardInterrupt):
        Killed(plan, halves.rows, checkpoints, [halves.member(plan)]).run()
    resumed, anew = grown(halves, checkpoints, patience=100), grown(halves, patience=100)
    assert resumed.dumps() == anew.dumps() and resumed.losses == anew.losses
    assert np.array_equal(said(resumed), said(anew))


def test_a_part_without_rows_left_out_has_no_say() -> None:
    whole = rows()
    held = np.where(np.arange(2000) < 400, 0, -1)
    whole = dataclasses.replace(whole, held=held)
    growth = grown(Parts([of(whole, slice(1000)), of(whole, slice(1000, None))]))
    assert growth.losses[growth.best - 1][1] == pytest.approx(loss(growth, whole.target[:400]))


def test_extra_trees_are_the_same_in_all_parts(halves: Parts) -> None:
    growth = grown(halves, parameters={**PLAN.parameters, "extra_trees": True}, rounds=20)
    assert len(growth.dumps()) == 2


def test_parts_that_grow_different_trees_are_found(halves: Parts) -> None:
    shared = halves.member()
    shared.open()
    shared.grow()
    halves.objects[1]._member._open.rollback_one_iter()
    with pytest.raises(RuntimeError, match="have grown different trees"):
        shared.close()


def test_where_nothing_can_be_split_it_ends(halves: Parts) -> None:
    plan = {**PLAN.parameters, "min_data_in_leaf": 100_000}
    assert len(grown(halves, parameters=plan).losses) == 1
