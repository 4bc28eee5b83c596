import math
import statistics

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beltline.pipeline import tables
from beltline.pipeline.init import profile as module
from beltline.pipeline.init.profile import profile


def profiled(folder, text):
    """Column profiles of one or more CSV texts, read as one set."""
    texts = [text] if isinstance(text, str) else text
    for number, each in enumerate(texts):
        (folder / f"{number}.csv").write_text(each)
    files = tables.data_files(folder)
    return profile(files, tables.column_kinds(files)), files


def test_counts_missing_and_first_missing_over_files(tmp_path):
    columns, files = profiled(tmp_path, ["a,b\n1,x\n2,y\n", "a,b\n2,\nNA,x\n,x\n"])
    a, b = columns["a"], columns["b"]
    assert (a.rows, a.missing, a.present, a.counted) == (5, 2, 3, 3)
    assert a.counts == {1: 1, 2: 2}
    assert a.first_missing == (files[1], 1)
    assert (b.missing, b.first_missing, b.counts) == (1, (files[1], 0), {"x": 3, "y": 1})
    assert b.distinct_share == 0.5


def test_mean_and_deviation_are_those_of_all_rows_whatever_the_batches(tmp_path, monkeypatch):
    values = [1e9 + value for value in (0.5, 1.5, 4.0, 9.25, -3.0, 2.0, 7.5)]
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet")
    read = module.batches
    monkeypatch.setattr(module, "batches", lambda file, kinds: read(file, kinds, rows=3))
    column = profile([tmp_path / "a.parquet"], {"x": "number"})["x"]
    assert column.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert column.deviation == pytest.approx(statistics.pstdev(values), rel=1e-9)
    assert (column.lowest, column.highest) == (min(values), max(values))


def test_what_is_infinite_as_a_32_bit_float_is_counted_as_such(tmp_path):
    columns, files = profiled(tmp_path, "x\n1.5\n3.4e38\n-1e39\n\n")
    assert (columns["x"].infinite, columns["x"].first_infinite) == (1, (files[0], 2))


def test_infinite_values_are_counted_and_kept_out_of_the_mean(tmp_path):
    columns, files = profiled(tmp_path, "x\n1\n3\n-inf\ninf\n\n")
    column = columns["x"]
    assert (column.infinite, column.first_infinite) == (2, (files[0], 2))
    assert (column.mean, column.deviation, column.highest) == (2.0, 1.0, math.inf)


@pytest.mark.parametrize(
    ("values", "steady_and_whole"),
    [
        ([1, 2, 5, 9, 10], (True, True)),
        ([10, 9, 5, 2, 1], (True, True)),
        ([1, 2, 2, 3, 4], (False, True)),
        ([1, 2, 3, 5, 4], (False, True)),
        ([1.0, 2.5, 3.0, 4.0, 5.0], (True, False)),
        ([1.0, None, 3.0, 4.0, 5.0], (True, True)),
    ],
)
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_steps_are_followed_over_batches(tmp_path, monkeypatch, values, steady_and_whole, rows):
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet")
    read = module.batches
    monkeypatch.setattr(module, "batches", lambda file, kinds: read(file, kinds, rows=rows))
    column = profile([tmp_path / "a.parquet"], {"x": "number"})["x"]
    assert (column.steady, column.whole) == steady_and_whole


def test_counting_stops_where_too_many_differ(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_COUNTED", 50)
    pq.write_table(pa.table({"x": list(range(100)) * 2}), tmp_path / "a.parquet")
    read = module.batches
    monkeypatch.setattr(module, "batches", lambda file, kinds: read(file, kinds, rows=60))
    column = profile([tmp_path / "a.parquet"], {"x": "integer"})["x"]
    assert (column.distinct, column.counted, column.present) == (60, 60, 200)


def test_a_column_without_values(tmp_path):
    columns, _ = profiled(tmp_path, "x,y\n,1\nNA,2\n")
    column = columns["x"]
    assert (column.present, column.distinct, column.distinct_share) == (0, 0, 0.0)
    assert (column.lowest, column.deviation, column.steady) == (None, 0.0, False)
