"""What separates the columns of a CSV file, and what a comma is within them."""

import csv
import gzip

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.pipeline import tables
from beltline.pipeline.tables.csv_dialect import delimiter_of, with_decimal_points


@pytest.mark.parametrize(
    ("name", "header", "delimiter"),
    [
        ("a.csv", b"a,b", b","),
        ("a.csv", b"a;b", b";"),
        ("a.csv", b"\xef\xbb\xbfa;b", b";"),
        ("a.csv", b"a\tb", b"\t"),
        ("a.csv", b"a|b", b"|"),
        ("a.csv", b"a", b","),
        ("a.csv", b"", b","),
        ("a.csv", b"a;b,c", b","),
        ("a.csv", b'a;"b, c";d', b";"),
        ("a.csv", b'"a;b"', b","),
        ("a.csv", b"\n \r\na;b", b";"),
        ("a.csv", b"a;" * 100_000, b";"),
        ("a.tsv", b"a\tb", b"\t"),
        ("a.tsv", b"a;b", b";"),
        ("a.tsv", b"a,b", b"\t"),
        ("a.tsv", b"a,b\tc;d", b"\t"),
    ],
)
def test_the_header_says_what_separates_the_columns(tmp_path, name, header, delimiter):
    for file, packed in ((name, bytes), (f"{name}.gz", gzip.compress)):
        (tmp_path / file).write_bytes(packed(header + b"\r\n1,5;x\r\n"))
        assert delimiter_of(tmp_path / file) == delimiter


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1,5", "1.5"),
        (" -0,25 ", " -0.25 "),
        ("+,5", "+.5"),
        ("1,5e-3", "1.5e-3"),
        ("1.5", "1.5"),
        ("1,5 mm", "1,5 mm"),
        ("1,2,3", "1,2,3"),
        ("1.234,5", "1.234,5"),
        ("5,", "5,"),
        (",", ","),
        ("a,b", "a,b"),
        (None, None),
    ],
)
def test_a_decimal_comma_is_one_within_a_number_alone(written, read):
    assert with_decimal_points(pa.array([written, "x,y"], pa.string())).to_pylist()[0] == read
    assert with_decimal_points(pa.array([written], pa.string())).to_pylist() == [read]


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), _TEXT.map(lambda it: f"t{it}")),
        min_size=1,
        max_size=20,
    )
)
def test_an_export_with_semicolons_has_the_rows_of_one_with_commas(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("csv")
    found = []
    for delimiter, decimal in ((",", "."), (";", ",")):
        file = folder / f"{ord(delimiter)}.csv"
        rows = [(str(number).replace(".", decimal), text) for number, text in table]
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, delimiter=delimiter).writerows([("n", "t"), *rows])
        kinds = tables.column_kinds([file])
        assert kinds == {"n": "number", "t": "text"}
        found.append([each.to_pylist() for each in tables.batches(file, kinds)])
    assert found[0] == found[1]


def test_a_range_of_a_file_reads_as_the_whole(tmp_path):
    lines = "".join(f"{number};{number},5\n" for number in range(1000))
    file = tmp_path / "a.csv"
    file.write_text(f"a;b\n{lines}")
    units = tables.units([file], size=500)
    assert len(units) > 10
    kinds = {"a": "integer", "b": "number"}
    rows = [
        row
        for unit in units
        for block in unit.blocks(["a", "b"])
        for row in tables.typed("a.csv", block, kinds)[0].to_pylist()
    ]
    assert rows == [{"a": number, "b": number + 0.5} for number in range(1000)]


def test_a_row_that_cannot_be_read_is_set_apart(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("a;b\n1;2,5\n1,5\n3;4,5\n")
    [unit] = tables.units([file], reject=True)
    [block] = unit.blocks(["a", "b"])
    batch, [rejected] = block.read()
    assert batch.column("b").to_pylist() == ["2.5", "4.5"]
    assert (rejected.line, rejected.text) == (3, "1,5")
