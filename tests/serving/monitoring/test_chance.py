import numpy as np
import pytest

from beltline.serving.monitoring import chance

RARELY = 0.01


def divergences(rows, reference_rows, shares, times):
    """Jensen-Shannon divergences of two samples of the same thing, by definition."""
    random = np.random.default_rng(1)
    p = random.multinomial(rows, shares, times) / rows
    q = random.multinomial(reference_rows, shares, times) / reference_rows
    middle = (p + q) / 2

    def entropy(of):
        return -np.sum(np.where(of > 0, of * np.log2(np.where(of > 0, of, 1)), 0), axis=1)

    return entropy(middle) - (entropy(p) + entropy(q)) / 2


@pytest.mark.parametrize(("rows", "reference_rows"), [(200, 10_000), (500, 500), (10_000, 2_000)])
def test_what_chance_makes_of_histograms(rows, reference_rows):
    found = divergences(rows, reference_rows, np.full(10, 0.1), 20_000)
    limit = chance.divergence(rows, reference_rows, 10, RARELY)
    assert (found > limit).mean() == pytest.approx(RARELY, rel=0.4)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.55, 0.27, 0.18], [0.9, 0.05, 0.05]])
def test_what_chance_makes_of_categories(shares):
    random = np.random.default_rng(1)
    p = random.multinomial(500, shares, 20_000) / 500
    q = random.multinomial(3000, shares, 20_000) / 3000
    limit = chance.largest_change(shares, 500, 3000, RARELY)
    assert (np.abs(p - q).max(axis=1) > limit).mean() <= 1.2 * RARELY
    # Not so large that nothing would ever be found.
    assert (np.abs(p - q).max(axis=1) > 0.6 * limit).mean() > RARELY


def test_no_values_change_by_nothing():
    assert chance.largest_change([], 10, 10, RARELY) == 0


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3])
def test_what_chance_makes_of_a_rare_share(share):
    random = np.random.default_rng(1)
    limits = [
        chance.rare_share(500, seen, 5000, RARELY) for seen in random.binomial(5000, share, 1000)
    ]
    assert (random.binomial(500, share, 1000) / 500 > limits).mean() <= 2 * RARELY


def test_values_beyond_all_that_were_seen():
    """Of 10,000 rows from where 5,000 came from, so many are beyond the least and greatest."""
    random = np.random.default_rng(1)
    beyond = []
    for _ in range(300):
        seen, live = random.normal(size=5000), random.normal(size=10_000)
        beyond.append(((live < seen.min()) | (live > seen.max())).mean())
    assert np.mean(beyond) == pytest.approx(2 / 5001, rel=0.25)
    assert (np.array(beyond) > chance.rare_share(10_000, 2, 5000, RARELY)).mean() <= 0.05
