"""How far a whole check lets chance go: one false alarm in a thousand checks, of all columns."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from beltline.serving.monitoring import MonitoringConfig, monitor
from tests.serving.monitoring.made import NOW, sample, version

TRAINED, LIVE, LOST = 4000, 1500, 40
# Skew, drift, new values and missing ones of each of two columns; skew of one answer.
MEASURES = 4 * 2 + 1
SHARE = 0.001 / MEASURES


def rows(count, seed, lost):
    """Two columns; `lost` rows have no heat."""
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "heat": pa.array(random.normal(200, 10, count), mask=np.arange(count) < lost),
            "mold": random.choice(["A", "B"], count),
            "bad": random.choice(["no", "yes"], count),
        }
    )


@pytest.fixture
def watch(tmp_path):
    watch = MonitoringConfig(tmp_path / "line", tmp_path / "requests")
    scores = np.random.default_rng(4).random(2000).tolist()
    version(watch.folder, 1, rows(TRAINED, 7, LOST), {"probability": scores})
    return watch


def report(watch, lost):
    live = rows(LIVE, 1, lost).drop_columns(["bad"])
    answers = {"probability": np.random.default_rng(5).random(LIVE).astype(np.float32)}
    sample(watch.requests, 1, live, answers)
    return monitor(watch, NOW)


def test_missing_values_are_held_against_one_in_a_thousand_checks(watch):
    found = report(watch, LOST).columns[0].measures["missing"].chance + LOST / TRAINED
    usual = (LOST + 1) / (TRAINED + 1)
    # No less than the binomial's quantile, and no more.
    assert stats.binom.sf(round(found * LIVE), LIVE, usual) <= SHARE
    assert stats.binom.sf(round(found * LIVE) - 1, LIVE, usual) > SHARE


def test_distances_are_held_against_one_in_a_thousand_checks(watch):
    made = report(watch, LOST)
    mold, [answer] = made.columns[1], made.scores
    scale = 8 * np.log(2) / (1 / LIVE + 1 / 2000)
    assert stats.chi2.sf(answer.measures["skew"].chance * scale, 9) == pytest.approx(
        SHARE, rel=0.01
    )
    normal = mold.measures["skew"].chance / np.sqrt(0.25 * (1 / LIVE + 1 / TRAINED))
    assert stats.norm.sf(normal) == pytest.approx(SHARE / 4, rel=0.02)
