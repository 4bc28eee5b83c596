"""Folds: even, by the rows' content alone, and as many as the setting says."""

import numpy as np
import pytest

from beltline.models.config import Auto
from beltline.models.folds import folds_of, number_of_folds


def rows(number: int, columns: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(number, columns)).astype("float32")


@pytest.mark.parametrize(
    ("setting", "number", "trees", "network"),
    [
        ("auto", 100, 8, 4),
        ("auto", 10_001, 8, 1),
        ("auto", 20_001, 4, 1),
        ("auto", 100_001, 1, 1),
        (3, 5_000_000, 3, 1),
        (3, 5_000, 3, 3),
        (20, 5_000, 20, 4),
        (1, 100, 1, 1),
    ],
)
def test_the_number_follows_the_setting_or_the_rows(
    setting: int | Auto, number: int, trees: int, network: int
) -> None:
    assert number_of_folds(setting, number, "trees") == trees
    assert number_of_folds(setting, number, "network") == network


def test_folds_are_even_and_differ_by_seed() -> None:
    table = rows(1003)
    first, other = folds_of(table, 4, 1), folds_of(table, 4, 2)
    assert sorted(np.bincount(first)) == [250, 251, 251, 251]
    assert (first != other).mean() > 0.6


def test_rows_that_are_alike_are_in_one_fold_wherever_they_stand() -> None:
    table = rows(500)
    table[::7, 1] = np.nan
    twice = np.concatenate([table, table[::-1]])
    found = folds_of(twice, 5, 3)
    assert (found[:500] == found[500:][::-1]).all()
    order = np.random.default_rng(1).permutation(1000)
    assert (folds_of(twice[order], 5, 3) == found[order]).all()


def test_folds_have_nothing_to_do_with_a_column() -> None:
    table = rows(4000)
    table[:, 0] = np.arange(4000) % 2
    found = folds_of(table, 2, 7)
    assert abs(np.corrcoef(found, table[:, 0])[0, 1]) < 0.05


@pytest.mark.parametrize("number", [1, 2, 5])
def test_fewer_rows_than_folds_each_have_one(number: int) -> None:
    assert sorted(folds_of(rows(number), 8, 1)) == list(range(number))


def test_rows_that_are_all_alike_are_in_the_first() -> None:
    assert not folds_of(np.zeros((9, 2), "float32"), 4, 1).any()
