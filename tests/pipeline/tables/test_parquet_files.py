import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline import tables

NOON = dt.datetime(2024, 5, 1, 12, 0, 0)
ZONE = dt.timezone(dt.timedelta(hours=2))


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array([1, None], pa.int8()), "integer", [1, None]),
        (pa.array([1.5, float("nan"), None]), "number", [1.5, None, None]),
        (pa.array([float("nan")]), "text", [None]),
        (pa.array([0.5], pa.float32()), "number", [0.5]),
        (pa.array([True, False, None]), "text", ["true", "false", None]),
        (pa.array(["1", "NA"]), "integer", [1, None]),
        (pa.array(["1.5"], pa.large_string()), "number", [1.5]),
        (pa.array(["x", None]).dictionary_encode(), "text", ["x", None]),
        (pa.array([7, 7]).dictionary_encode(), "integer", [7, 7]),
        (pa.array([Decimal("1.50"), Decimal("-2.25")]), "number", [1.5, -2.25]),
        (pa.array([Decimal("12")], pa.decimal128(9, 0)), "integer", [12]),
        (pa.array([5], pa.uint64()), "integer", [5]),
        (pa.array([2**64 - 1], pa.uint64()), "text", [str(2**64 - 1)]),
        (pa.array([dt.date(2024, 5, 1)]), "text", ["2024-05-01"]),
        (pa.array([dt.time(6, 30)]), "text", ["06:30:00.000000"]),
        (pa.array([NOON], pa.timestamp("ms")), "text", ["2024-05-01 12:00:00.000"]),
        (
            pa.array([NOON.replace(tzinfo=ZONE), None], pa.timestamp("ms", "+02:00")),
            "text",
            ["2024-05-01 10:00:00.000Z", None],
        ),
        (pa.nulls(2), "text", [None, None]),
    ],
)
def test_each_type_has_a_kind_and_values(tmp_path, array, kind, values):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a.b": array}), file)
    kinds = tables.column_kinds([file])
    assert kinds == {"a.b": kind}
    (batch,) = tables.batches(file, kinds)
    assert batch.column("a.b").to_pylist() == values


@pytest.mark.parametrize(
    "array",
    [pa.array([[1]]), pa.array([{"x": 1}]), pa.array([b"x"])],
    ids=["list", "struct", "bytes"],
)
def test_a_column_of_no_single_values_is_refused_unless_unread(tmp_path, array):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"ok": [1], "odd": array}), file)
    with pytest.raises(WrongInput, match=r"a\.parquet: column 'odd' holds"):
        tables.column_kinds([file])
    assert tables.column_kinds([file], ["ok"]) == {"ok": "integer"}


def test_a_value_of_another_kind_is_refused_with_its_row(tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1.0, 2.0, 2.5]}), file)
    with pytest.raises(WrongInput, match=r"row 3, column 'n': 2\.5 is not a whole number"):
        list(tables.batches(file, {"n": "integer"}, rows=2))


@pytest.mark.parametrize("content", [b"", b"name,value\n1,2\n" * 9])
def test_what_is_no_parquet_file_is_refused(tmp_path, content):
    file = tmp_path / "a.parquet"
    file.write_bytes(content)
    with pytest.raises(WrongInput, match="not a Parquet file"):
        tables.column_names([file])


def test_no_rows_and_duplicate_names_are_refused(tmp_path):
    empty, twice = tmp_path / "e.parquet", tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), empty)
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), twice)
    with pytest.raises(WrongInput, match="no rows"):
        tables.column_kinds([empty])
    with pytest.raises(WrongInput, match="more than once: 'a'"):
        tables.column_kinds([twice])
