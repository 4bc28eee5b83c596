"""Rows whose hash lies on the boundary of two splits, or at either end."""

import numpy as np
import pyarrow as pa
import pytest

from beltline.pipeline.components.examples.row_split import row_hashes, rows_of_splits

SHARES = {"train": 0.5, "validation": 0.3, "eval": 0.2}
# Searched for: of the numbers from 0 on, the first whose hash falls into such a bucket.
BUCKETS = {
    0: (0, "train"),
    43_257: (499_999, "train"),
    1_064_582: (500_000, "validation"),
    2_169_951: (799_999, "validation"),
    315_029: (800_000, "eval"),
    1_736_231: (999_999, "eval"),
}


def numbers(values):
    return pa.RecordBatch.from_pydict({"i": pa.array(values, pa.int64())})


def test_the_numbers_have_these_buckets():
    buckets = row_hashes(numbers(list(BUCKETS))) % 1_000_000
    assert buckets.tolist() == [bucket for bucket, _ in BUCKETS.values()]


@pytest.mark.parametrize("number", BUCKETS)
def test_a_boundary_belongs_to_the_split_that_it_begins(number):
    found = rows_of_splits(numbers([number]), SHARES)
    assert [name for name, rows in found.items() if len(rows)] == [BUCKETS[number][1]]
    assert found[BUCKETS[number][1]].tolist() == [0]


def test_the_splits_have_their_shares_and_every_row_once():
    found = rows_of_splits(numbers(np.arange(20_000)), SHARES)
    assert list(found) == list(SHARES)
    together = np.concatenate(list(found.values()))
    assert np.array_equal(np.sort(together), np.arange(20_000))
    for name, share in SHARES.items():
        assert (np.diff(found[name]) > 0).all(), "in order"
        # Four standard deviations of a binomial share.
        assert len(found[name]) / 20_000 == pytest.approx(
            share, abs=4 * (share * (1 - share) / 20_000) ** 0.5
        )


def test_one_split_takes_all():
    assert rows_of_splits(numbers([0, 43_257, 1_736_231]), {"all": 1.0})["all"].tolist() == [
        0,
        1,
        2,
    ]


def test_rows_stay_together_by_the_named_column_alone():
    batch = pa.RecordBatch.from_pydict({"i": [0, 1_064_582] * 3, "other": list(range(6))})
    found = rows_of_splits(batch, SHARES, split_by="i")
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "train": [0, 2, 4],
        "validation": [1, 3, 5],
        "eval": [],
    }
