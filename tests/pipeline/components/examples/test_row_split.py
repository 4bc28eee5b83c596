import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.pipeline.components.examples.row_split import row_hashes, rows_of_splits

# Of all values at once, pandas takes "" and "\0" for one, and gives both the hash of the first.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), TEXTS),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.one_of(st.none(), st.floats(allow_nan=False)),
    ),
    min_size=1,
    max_size=30,
)


def batch_of(rows):
    text, integer, number = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict(
        {
            "t": pa.array(text, pa.string()),
            "i": pa.array(integer, pa.int64()),
            "f": pa.array(number, pa.float64()),
        }
    )


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(0, 3))
def test_the_hash_is_what_pandas_gives_for_all_values_at_once(rows, skipped):
    batch = batch_of(rows)
    total = np.zeros(len(rows), np.uint64)
    for name in ("f", "i", "t"):
        values = batch.column(name).to_numpy(zero_copy_only=False)
        values = values if name == "t" else values.astype(np.float64)
        hashes = pd.util.hash_array(values, categorize=name == "t")
        total = total * np.uint64(1_000_003) + hashes
    wanted = pd.util.hash_array(total)
    assert row_hashes(batch).tolist() == wanted.tolist()
    assert row_hashes(batch.slice(skipped)).tolist() == wanted[skipped:].tolist()


def test_a_zero_byte_counts_whatever_comes_first():
    texts = ["", "\0", "a", "a\0"]
    forth, back = (
        row_hashes(batch_of([(text, 1, 0.5) for text in order])).tolist()
        for order in (texts, texts[::-1])
    )
    assert len(set(forth)) == 4
    assert forth == back[::-1]


def test_hashes_stay_what_they_were():
    # A row that changes its split would be learned from after it was used for judging.
    batch = batch_of([("a", 1, 0.5), (None, None, None), ("ä", 3, 2.0)])
    assert row_hashes(batch).tolist() == [
        14733324440209990975,
        8899277408451946735,
        12737946295121626685,
    ]


def test_each_row_is_in_one_split():
    batch = batch_of([("a", number, None) for number in range(500)])
    found = rows_of_splits(batch, {"one": 0.5, "two": 0.3, "three": 0.2})
    assert list(found) == ["one", "two", "three"]
    assert sorted(row for rows in found.values() for row in rows) == list(range(500))
    together = rows_of_splits(batch, {"one": 0.5, "two": 0.5}, split_by="t")
    assert sorted(map(len, together.values())) == [0, 500]


HASHES = """
import pyarrow as pa
from beltline.pipeline.components.examples.row_split import row_hashes
columns = {"t": ["a", None, "ä"], "i": [1, None, 3], "f": [0.5, None, 2.0]}
print(*row_hashes(pa.RecordBatch.from_pydict(columns)))
"""


@pytest.mark.slow
def test_another_process_splits_alike(tmp_path):
    here = row_hashes(
        pa.RecordBatch.from_pydict(
            {"f": [0.5, None, 2.0], "i": [1.0, None, 3.0], "t": ["a", None, "ä"]}
        )
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", HASHES],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[4],
            capture_output=True,
            text=True,
        )
        assert done.stdout.split() == [str(value) for value in here], done.stderr


def test_a_batch_of_rows_hashes_like_its_parts():
    columns = {"t": ["a", None, "b"] * 5, "f": [1.0, None, 2.5] * 5}
    batch = pa.RecordBatch.from_pydict(columns)
    whole = row_hashes(batch)
    parts = np.concatenate([row_hashes(batch.slice(i, 1)) for i in range(15)])
    assert (whole == parts).all()
    assert len(set(whole)) == 3
