"""How far apart two samples of the same distribution may be, by chance alone.

An alarm needs a distance above its limit and above what chance gives for this many rows, so that
a limit can be set by what matters, whatever the number of requests. Chance is what one check of
all columns together exceeds once in a thousand times (`FALSE_ALARMS`): that share is divided by
the number of measures (Bonferroni), however they depend on each other.

- Jensen-Shannon divergence of two histograms of k buckets: where both are samples of n and m rows
  of the same thing, 8 ln 2 · JSD / (1/n + 1/m) follows a chi-squared distribution with k - 1
  degrees of freedom. JSD (in bits) is sum (p - q)² / ((p + q)/2) / (8 ln 2) to the first order,
  which is Pearson's statistic of the two rows of counts; Grosse et al., "Analysis of symbolic
  sequences using the Jensen-Shannon divergence", Phys. Rev. E 65, 041905 (2002).
- The largest change of a share (L-infinity): each share's difference is normal with variance
  p (1 - p) (1/n + 1/m); over k values, Bonferroni again.
- A share that should be as rare as in training (missing, values never seen): binomial. How often a
  value comes that is in none of m rows is the share of values seen once (Good, "The population
  frequencies of species", Biometrika 40, 1953); for a number below all or above all it is 2/(m+1).

All this holds for independent rows. Parts of one charge, or of one shift, differ more: there the
limit and a window of whole days must do.
"""

import math

from scipy import stats

FALSE_ALARMS = 0.001
"""The false alarm rate of a check of unchanged requests, at most."""


def divergence(rows: int, reference_rows: int, buckets: int, share: float) -> float:
    """Returns the Jensen-Shannon divergence that chance exceeds with probability `share`."""
    scale = (1 / rows + 1 / reference_rows) / (8 * math.log(2))
    return float(stats.chi2.isf(share, max(buckets - 1, 1)) * scale)


def largest_change(shares: list[float], rows: int, reference_rows: int, share: float) -> float:
    """Returns the largest change of a share that chance exceeds with probability `share`.

    `shares` are those of all values, in both samples together.
    """
    spread = max((p * (1 - p) for p in shares), default=0.0)
    distance = stats.norm.isf(share / (2 * max(len(shares), 1)))
    return float(distance * math.sqrt(spread * (1 / rows + 1 / reference_rows)))


def rare_share(rows: int, seen: int, reference_rows: int, share: float) -> float:
    """Returns the share that something exceeds with probability `share`, if it is no more frequent.

    `seen` of the `reference_rows` had it.
    """
    expected = (seen + 1) / (reference_rows + 1)
    return float(stats.binom.isf(share, rows, min(expected, 1.0)) / rows)
