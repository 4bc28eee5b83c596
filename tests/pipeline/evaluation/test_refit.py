"""By which answers a refit is taken for what was judged, and by which it is not."""

import dataclasses

import numpy as np
import pytest

from beltline.pipeline.evaluation.refit import Answered, faults
from beltline.pipeline.evaluation.scores import score_of

RNG = np.random.default_rng(5)
ROWS = 2000
ODDS = RNG.normal(0, 2, ROWS)
LABELS = (RNG.random(ROWS) < 1 / (1 + np.exp(-ODDS))).astype(float)


def binary(odds):
    chances = 1 / (1 + np.exp(-odds))[:, None]
    auc = score_of("RocAuc")(LABELS, chances)
    return Answered(LABELS, chances, is_number=False, metrics={"auc": auc})


def numbers(said, labels=ODDS):
    rmse = float(np.sqrt(np.mean((said - labels) ** 2)))
    return Answered(labels, said[:, None], is_number=True, metrics={"rmse": rmse})


def classes(odds):
    """The label is whether the first of three columns is the greatest, or the second."""
    labels = np.argmax(TRUE + RNG.gumbel(size=TRUE.shape), axis=1)
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    accuracy = float((shares.argmax(axis=1) == labels).mean())
    return Answered(labels, shares, is_number=False, metrics={"accuracy": accuracy})


TRUE = RNG.normal(0, 2, (ROWS, 3))
NOISE = RNG.normal(0, 1, ROWS)
JUDGED = ODDS + 0.5 * NOISE


@pytest.mark.parametrize("learned", [0.0, 0.3, 1.0])
def test_a_refit_that_has_come_closer_to_the_labels_is_sound(learned):
    towards = JUDGED + learned * (2 * LABELS - 1) * 6
    assert faults(binary(JUDGED), binary(towards)) == []
    judged = ODDS + NOISE
    assert faults(numbers(judged), numbers(judged + learned * (ODDS - judged))) == []


@pytest.mark.parametrize(
    ("odds", "said"),
    [
        (np.zeros(ROWS), "log loss"),
        (RNG.permutation(JUDGED), "squared distance"),
        (-JUDGED, "auc"),
        # The same order, and too sure: the metric that decides can't see it.
        (6 * JUDGED, "log loss"),
        (JUDGED + 3, "log loss"),
    ],
)
def test_a_refit_that_went_wrong_is_told_by_what_is_wrong(odds, said):
    found = faults(binary(JUDGED), binary(odds))
    assert any(each.startswith(f"{said} ") for each in found), found


def test_the_same_of_numbers():
    judged = ODDS + NOISE
    for wrong in (np.zeros(ROWS), RNG.permutation(judged), judged + 1.5, judged * 3):
        assert faults(numbers(judged), numbers(wrong))
    words = "; ".join(faults(numbers(judged), numbers(judged + 1.5)))
    assert "rmse" in words and "of the judged model" in words


def test_the_same_of_classes():
    judged = classes(TRUE)
    same = dataclasses.replace(judged, scores=judged.scores.copy())
    assert faults(judged, same) == []
    rolled = dataclasses.replace(
        judged, scores=np.roll(judged.scores, 1, axis=1), metrics={"accuracy": 0.1}
    )
    assert len(faults(judged, rolled)) == 3


def test_of_a_model_that_is_all_but_perfect_chance_does_not_decide():
    judged, refit = binary(100 * (2 * LABELS - 1)), binary(9 * (2 * LABELS - 1))
    assert judged.loss < refit.loss < 0.001
    assert faults(judged, refit) == []
    exact = numbers(ODDS)
    assert exact.loss == 0 and faults(exact, numbers(ODDS + 1e-3 * NOISE)) == []
    assert faults(exact, numbers(ODDS + 0.5 * NOISE))


def test_labels_that_are_all_the_same_have_no_variance():
    same = np.full(ROWS, 3.0)
    assert faults(numbers(same, same), numbers(same + 1e-3, same)) == []
    assert faults(numbers(same + 1e-3, same), numbers(same + 1, same))


def test_no_number_is_a_fault():
    broken = JUDGED.copy()
    broken[7] = np.nan
    assert faults(numbers(ODDS + NOISE), numbers(broken))
    lost = dataclasses.replace(binary(JUDGED), metrics={"auc": float("nan")})
    assert len(faults(binary(JUDGED), lost)) == 1
    # Rows that can't tell how good the judged model is can't tell it of the refit.
    assert faults(lost, lost) == []


def test_each_metric_is_held_to_the_judged_one():
    names = ("f1", "accuracy")
    judged = dataclasses.replace(binary(JUDGED), metrics=dict.fromkeys(names, 0.8))
    for values, wrong in (((0.78, 0.9), 0), ((0.77, 0.9), 1), ((0.77, 0.77), 2)):
        refit = dataclasses.replace(judged, metrics=dict(zip(names, values, strict=True)))
        assert len(faults(judged, refit)) == wrong


def test_a_row_or_two_of_a_small_table_decide_nothing():
    labels = np.repeat([0.0, 1.0], [30, 10])

    def deciding(wrong):
        scores = np.where(labels > 0.5, 0.9, 0.1)
        scores[:wrong] = 0.6
        metrics = {"accuracy": 1 - wrong / 40}
        return Answered(labels, scores[:, None], is_number=False, metrics=metrics)

    assert deciding(0).most_error("accuracy") == pytest.approx(2 / 10)
    said = [any("accuracy" in each for each in faults(deciding(0), deciding(n))) for n in (8, 9)]
    assert said == [False, True]
