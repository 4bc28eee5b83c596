import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beltline.pipeline import tables


@pytest.mark.parametrize(("size", "number"), [(1, 10), (1 << 20, 1)])
def test_row_groups_are_read_apart_and_hold_all_rows_in_order(tmp_path, size, number):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": list(range(1000))}), file, row_group_size=100)
    units = tables.units([file], size)
    assert len(units) == number
    blocks = [block for unit in units for block in unit.blocks(["n"])]
    assert [row["n"] for block in blocks for row in block.read()[0].to_pylist()] == list(
        range(1000)
    )
    assert units[-1].header() == ["n"]
    assert blocks[-1].place(0) == ("row 901" if number == 10 else "row 1")


def test_a_file_without_row_groups_is_one_unit_without_rows(tmp_path):
    file = tmp_path / "a.parquet"
    pq.ParquetWriter(file, pa.schema([("n", pa.int64())])).close()
    (unit,) = tables.units([file])
    assert list(unit.blocks(["n"])) == []
