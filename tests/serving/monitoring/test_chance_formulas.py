"""The limits of chance, each against its distribution as SciPy has it."""

import math

import pytest
from scipy import stats

from beltline.serving.monitoring import chance

SHARE = 0.001


def test_one_check_in_a_thousand_may_raise_a_false_alarm() -> None:
    assert chance.FALSE_ALARMS == 0.001


@pytest.mark.parametrize(("buckets", "freedom"), [(10, 9), (2, 1), (1, 1)])
def test_a_divergence_follows_chi_squared(buckets: int, freedom: int) -> None:
    found = chance.divergence(200, 1000, buckets, SHARE)
    statistic = 8 * math.log(2) * found / (1 / 200 + 1 / 1000)
    assert stats.chi2.sf(statistic, freedom) == pytest.approx(SHARE)


@pytest.mark.parametrize(
    ("shares", "spread"), [([0.5, 0.5], 0.25), ([0.9, 0.05, 0.05], 0.09), ([0.5], 0.25)]
)
def test_a_change_of_a_share_is_normal(shares: list[float], spread: float) -> None:
    found = chance.largest_change(shares, 200, 1000, SHARE)
    deviations = found / math.sqrt(spread * (1 / 200 + 1 / 1000))
    # Upwards or downwards, of each share.
    assert stats.norm.sf(deviations) * 2 * len(shares) == pytest.approx(SHARE)


@pytest.mark.parametrize(("seen", "reference_rows"), [(0, 9), (0, 99), (3, 99), (49, 99)])
def test_a_rare_share_is_binomial(seen: int, reference_rows: int) -> None:
    found = chance.rare_share(200, seen, reference_rows, SHARE)
    expected = (seen + 1) / (reference_rows + 1)
    count = round(200 * found)
    assert 0 < found <= 1
    assert stats.binom.sf(count, 200, expected) <= SHARE < stats.binom.sf(count - 1, 200, expected)


def test_a_share_of_all_rows_cannot_be_exceeded() -> None:
    assert chance.rare_share(200, 50, 50, SHARE) == 1
