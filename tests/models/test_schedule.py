"""The rules behind `auto`, and the course of the learning rate."""

import math

import keras
import numpy as np
import pytest

from beltline.models.schedule import batch_size, epochs, learning_rates, make_optimizer, patience


@pytest.mark.parametrize(("rows", "size"), [(1, 32), (3_000, 32), (14_000, 128), (10**7, 4096)])
def test_a_step_has_about_a_hundredth_of_the_rows(rows: int, size: int) -> None:
    assert batch_size("auto", rows) == size
    assert batch_size(50, rows) == 50


@pytest.mark.parametrize(("steps", "passes"), [(1, 100), (4, 25), (7, 16), (110, 16)])
def test_a_small_table_is_passed_over_more_often(steps: int, passes: int) -> None:
    assert epochs("auto", steps, 32 * steps) == passes
    assert epochs(5, steps, 32 * steps) == 5


@pytest.mark.parametrize(
    ("rows", "passes"), [(50_000, 16), (105_000, 8), (140_000, 6), (1_050_000, 4), (10**7, 1)]
)
def test_a_large_table_is_passed_over_less_often(rows: int, passes: int) -> None:
    steps = math.ceil(rows / batch_size("auto", rows))
    assert epochs("auto", steps, rows) == passes
    assert epochs(20, steps, rows) == 20


@pytest.mark.parametrize(("most", "expected"), [(25, 8), (16, 8), (6, 3), (4, 2), (1, 2)])
def test_fewer_epochs_have_less_patience(most: int, expected: int) -> None:
    assert patience(8, "auto", most) == expected
    assert patience(8, most, most) == 8


def test_the_learning_rate_rises_and_then_falls_to_nothing() -> None:
    schedule = learning_rates(0.01, 200)
    rates = np.array([float(schedule(step)) for step in range(201)])
    highest = int(rates.argmax())
    assert highest == 10 and rates[highest] == pytest.approx(0.01)
    assert (np.diff(rates[: highest + 1]) > 0).all() and (np.diff(rates[highest:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[105] == pytest.approx(0.005, rel=1e-3)


def test_a_single_step_has_a_rate_and_none_known_keeps_it() -> None:
    assert np.isfinite(float(learning_rates(0.01, 1)(0)))
    assert learning_rates(0.01, None) == 0.01


def test_copies_in_step_learn_faster_by_the_root_of_their_number() -> None:
    values = {"learning_rate": 0.01, "weight_decay": 0.1}
    one, four = (make_optimizer(values, None, copies) for copies in (1, 4))
    assert float(four.learning_rate) == pytest.approx(2 * float(one.learning_rate))


def test_weight_decay_leaves_biases_and_scales_alone() -> None:
    optimizer = make_optimizer({"learning_rate": 0.0, "weight_decay": 0.1}, 10)
    names = {name: keras.Variable(np.ones(2), name=name) for name in ("kernel", "bias", "scale_in")}
    decayed = [
        name
        for name, variable in names.items()
        if optimizer._use_weight_decay(variable)  # what `apply` asks; it has no public name
    ]
    assert decayed == ["kernel"]
