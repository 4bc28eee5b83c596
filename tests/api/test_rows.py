import math

import pandas as pd
import pyarrow as pa
import pytest

from beltline.api.rows import rows_of, table_of
from beltline.base.errors import WrongInput


def test_rows_come_in_four_forms():
    row = {"mold": "Ü", "temp": 1.5}
    for rows in (row, [row], pd.DataFrame([row]), pa.Table.from_pylist([row])):
        assert table_of(rows).to_pylist() == [row]


def test_what_a_row_lacks_is_missing():
    assert table_of([{"a": 1}, {"b": "x"}]).to_pylist() == [
        {"a": 1, "b": None},
        {"a": None, "b": "x"},
    ]
    [row] = table_of(pd.DataFrame({"a": [math.nan], "b": [None]})).to_pylist()
    assert row == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "there is none"),
        (pd.DataFrame({"a": []}), "there is none"),
        ("mold", "a mapping, a list of mappings, a DataFrame or an Arrow table is needed, not str"),
        ([1], "is needed, not list"),
        (None, "is needed, not NoneType"),
        ([{"a": 1}, {"a": "x"}], "rows: "),
        ([{"a": object()}], "rows: "),
        ({"a": 10**400}, "rows: "),
    ],
)
def test_what_is_no_rows_is_refused(rows, said):
    with pytest.raises(WrongInput, match=said):
        table_of(rows)


def test_rows_that_are_gone(tmp_path):
    with pytest.raises(WrongInput, match="is gone"):
        rows_of(tmp_path / "examples", "train", 3)
    (tmp_path / "Split-eval").mkdir()
    with pytest.raises(WrongInput, match="no rows of the split 'train': its splits are eval"):
        rows_of(tmp_path, "train", 3)
