"""Differences: to the peer that is best, with the interval of Student's t."""

import pytest

from benchmarks.quality.comparison import difference
from tests.benchmarks.quality.pairs import binary


def test_the_best_peer_is_the_best_in_the_mean_and_not_in_a_split() -> None:
    pairs = [binary(0.9, {"A": 0.8, "B": 0.7}), binary(0.9, {"A": 0.6, "B": 0.8})]
    own = difference(pairs, "auc")
    assert (own.peer, own.theirs, own.ours) == ("B", 0.75, 0.9)
    assert own.better == (pytest.approx(0.2), pytest.approx(0.1))
    # The first quantile of Student's t is 12.706; the standard error 0.05.
    assert own.interval == (pytest.approx(0.15 - 0.6353, abs=1e-4), pytest.approx(0.7853, abs=1e-4))
    assert own.deviations == pytest.approx(0.15 / 0.0707, abs=0.01)


def test_of_a_loss_less_is_better() -> None:
    pairs = [binary(0.3, {"A": 0.5, "B": 0.4}), binary(0.5, {"A": 0.5, "B": 0.3})]
    own = difference(pairs, "log loss")
    assert own.peer == "B" and own.better == (pytest.approx(0.1), pytest.approx(-0.2))
    assert own.mean == pytest.approx(-0.05)


def test_one_split_has_no_interval() -> None:
    own = difference([binary(0.9, {"A": 0.8})], "auc")
    assert own.mean == pytest.approx(0.1) and own.interval is None and own.deviations is None


def test_equal_splits_have_no_deviation_to_measure_by() -> None:
    pairs = [binary(1.0, {"A": 1.0})] * 2
    assert difference(pairs, "auc").deviations is None
    assert difference(pairs, "auc").interval == (0, 0)
