"""Weights of learners: found on rows that none of them learned from, and part of one model."""

import logging
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from beltline.models.blend import blended, weights_of
from beltline.models.config import features_from_config, from_config
from beltline.models.job import Job
from beltline.models.learned import Learned
from beltline.models.objective import Objective, make_objective
from beltline.models.reading import Split
from tests.models.rows import config

ROWS = 4000
LABELS = {"binary": 2, "multiclass": 3, "regression": 0}


def drawn(task: str, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Outputs as they should be, `[n, u]`, and the labels that were drawn from them."""
    rng = np.random.default_rng(seed)
    right = rng.normal(0, 1.5, (ROWS, max(1, LABELS[task])))
    if task == "regression":
        return right, (right[:, 0] + rng.normal(0, 0.5, ROWS)).astype("float32")
    if task == "binary":
        right = right[:, :1]
        return right, (rng.random(ROWS) < 1 / (1 + np.exp(-right[:, 0]))).astype("int64")
    return right, (right + rng.gumbel(size=right.shape)).argmax(1)


def noisy(outputs: np.ndarray, noise: float, seed: int) -> np.ndarray:
    return outputs + np.random.default_rng(seed).normal(0, noise, outputs.shape)


def objective(task: str) -> Objective:
    return Objective(task, (0.0,))  # type: ignore[arg-type] # one of the tasks


@pytest.mark.parametrize("task", LABELS)
def test_the_better_learner_has_the_greater_weight(task: str) -> None:
    right, labels = drawn(task)
    good, poor = noisy(right, 0.4, 2), noisy(right, 0.8, 3)
    first, second = weights_of([good, poor], objective(task), labels)
    # Independent errors: inversely as their variances, less where the outputs are too sure.
    assert first == pytest.approx(0.8, abs=0.1) and second == pytest.approx(1 - first)
    assert weights_of([poor, good], objective(task), labels)[0] == pytest.approx(second, abs=0.02)


@pytest.mark.parametrize("task", LABELS)
def test_no_other_weights_have_a_lower_loss(task: str) -> None:
    right, labels = drawn(task)
    outputs = [noisy(right, 0.5, 2), noisy(right, 0.7, 3)]
    found = weights_of(outputs, objective(task), labels)[0]

    def loss(weight: float) -> float:
        mixed = weight * outputs[0] + (1 - weight) * outputs[1]
        return float(objective(task).losses(mixed, labels).mean())

    # But for the prior, and rounding.
    assert all(loss(found) <= loss(each) + 1e-4 for each in np.linspace(0, 1, 21))


@pytest.mark.parametrize("task", LABELS)
def test_three_learners_are_weighed_together(task: str) -> None:
    right, labels = drawn(task)
    outputs = [noisy(right, 0.5, 2), noisy(right, 1.0, 3), noisy(right, 0.7, 4)]
    found = weights_of(outputs, objective(task), labels)
    assert sum(found) == pytest.approx(1) and found[0] > found[2] > found[1] > 0
    assert found == [round(each, 2) for each in found]

    def loss(weights: list[float]) -> float:
        mixed = sum(each * weight for each, weight in zip(outputs, weights, strict=True))
        return float(objective(task).losses(np.asarray(mixed), labels).mean())

    tenths = range(11)
    others = [(a / 10, b / 10, 1 - (a + b) / 10) for a in tenths for b in tenths if a + b <= 10]
    assert all(loss(found) <= loss(list(each)) + 1e-4 for each in others)
    turned = weights_of(outputs[::-1], objective(task), labels)
    assert turned[::-1] == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("task", LABELS)
def test_of_three_learners_only_those_that_help_have_a_weight(task: str) -> None:
    right, labels = drawn(task)
    nothing = np.random.default_rng(4).normal(0, 1.5, right.shape)
    good = [noisy(right, 0.5, 2), noisy(right, 0.5, 3)]
    first, second, third = weights_of([good[0], nothing, good[1]], objective(task), labels)
    alone = weights_of(good, objective(task), labels)
    assert second == 0 and [first, third] == pytest.approx(alone, abs=0.02)
    assert weights_of([nothing, right, nothing], objective(task), labels) == [0, 1, 0]


def test_few_rows_leave_no_learner_out() -> None:
    right, labels = drawn("binary")
    better = [right[:30], noisy(right, 1.0, 3)[:30]]
    assert 0.5 < weights_of(better, objective("binary"), labels[:30])[0] < 0.9
    many = [right, noisy(right, 1.0, 3)]
    assert weights_of(many, objective("binary"), labels)[0] > 0.9


@pytest.mark.parametrize("task", LABELS)
def test_a_learner_that_does_not_help_gets_no_weight(task: str) -> None:
    right, labels = drawn(task)
    nothing = np.random.default_rng(4).normal(0, 1.5, right.shape)
    for noise in np.linspace(0.1, 2, 20):
        first, second = weights_of([right, noisy(right, noise, 5)], objective(task), labels)
        assert [first, second] == [round(first, 2), round(second, 2)]
    assert weights_of([right, nothing], objective(task), labels) == [1, 0]
    assert weights_of([nothing, right], objective(task), labels) == [0, 1]


def test_class_weights_count() -> None:
    right, labels = drawn("binary")
    # The first is right about the negatives alone, the second about the positives.
    first = np.where(labels[:, None] == 0, right, -right)
    second = -first
    plain = weights_of([first, second], objective("binary"), labels)
    weighted = Objective("binary", (0.0,), (1.0, 30.0))
    assert weights_of([first, second], weighted, labels)[0] < plain[0]


def constant(value: float) -> keras.Model:
    inputs = {"x": keras.Input((1,), name="x")}
    return keras.Model(inputs, 0 * inputs["x"] + value)


def job(labels: Any) -> Job:
    chosen = config()
    split = Split(labels, None, None)  # type: ignore[arg-type] # all that is used of them
    made = make_objective(labels, features_from_config(chosen), "prior")
    return Job(from_config(chosen), None, split, split, made)  # type: ignore[arg-type] # all that is used of them


def test_the_blend_is_one_model_of_the_same_inputs(caplog: pytest.LogCaptureFixture) -> None:
    right, labels = drawn("binary")
    learned = {
        "network": Learned(constant(1.0), noisy(right, 0.5, 2)),
        "trees": Learned(constant(3.0), noisy(right, 0.5, 3)),
    }
    with caplog.at_level(logging.INFO, "beltline.trainer"):
        found = blended(learned, job(labels))
    first, second = weights_of(
        [each.validation for each in learned.values()], objective("binary"), labels
    )
    said = found.model({"x": tf.zeros((2, 1))})
    assert said.numpy() == pytest.approx(np.full((2, 1), first * 1 + second * 3), rel=1e-6)
    expected = first * learned["network"].validation + second * learned["trees"].validation
    assert found.validation == pytest.approx(expected)
    assert f"weight {first:.2f}, trees" in caplog.text and "4,000 rows" in caplog.text
    assert [(each.learner, each.weight) for each in found.worth] == [
        ("network", first),
        ("trees", second),
    ]
    for each in found.worth:
        losses = objective("binary").losses(learned[each.learner].validation, labels)
        assert each.loss == pytest.approx(losses.mean())


def test_who_gets_no_weight_is_not_in_the_model() -> None:
    right, labels = drawn("binary")
    nothing = np.random.default_rng(4).normal(0, 1.5, right.shape)
    learned = {"network": Learned(constant(1.0), nothing), "trees": Learned(constant(3.0), right)}
    found = blended(learned, job(labels))
    assert found.model is learned["trees"].model
    assert [(each.learner, each.weight) for each in found.worth] == [("network", 0), ("trees", 1)]


def test_of_three_the_model_has_those_with_a_weight() -> None:
    right, labels = drawn("binary")
    learned = {
        "extra_trees": Learned(constant(1.0), noisy(right, 0.5, 2), lengths={"extra_rounds": 3}),
        "trees": Learned(constant(100.0), noisy(0 * right, 1.5, 3), lengths={"rounds": 2}),
        "network": Learned(constant(3.0), noisy(right, 0.5, 4), lengths={"passes": 1}),
    }
    found = blended(learned, job(labels))
    extra, trees, network = (each.weight for each in found.worth)
    assert trees == 0
    said = found.model({"x": tf.zeros((2, 1))}).numpy()
    assert said == pytest.approx(np.full((2, 1), extra * 1 + network * 3), rel=1e-6)
    assert found.lengths == {"extra_rounds": 3, "rounds": 2, "passes": 1}


def test_rows_that_one_has_learned_from_do_not_decide() -> None:
    right, labels = drawn("binary")
    nothing = np.random.default_rng(4).normal(0, 1.5, right.shape)
    # Of the train split only the trees' outputs are honest; and there they are worth nothing.
    trees = Learned(constant(3.0), right, train=nothing)
    network = Learned(constant(1.0), noisy(right, 2.0, 3))
    found = blended({"trees": trees, "network": network}, job(labels))
    assert found.model is trees.model
    both = {"trees": trees, "network": Learned(constant(1.0), noisy(right, 2.0, 3), train=right)}
    assert 0 < blended(both, job(labels)).worth[0].weight < 1


def test_the_weights_of_three_alike_add_up_to_one() -> None:
    right, labels = drawn("regression")
    found = weights_of([right, right, right], objective("regression"), labels)
    assert sum(found) == 1 and sorted(found) == [0.33, 0.33, 0.34]
