import csv
import gzip
import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beltline.base.errors import WrongInput
from beltline.base.values import MISSING
from beltline.pipeline import tables


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(file: Path, kinds: dict) -> list[dict]:
    return [row for batch in tables.batches(file, kinds) for row in batch.to_pylist()]


def refusal(call, *arguments) -> str:
    with pytest.raises(WrongInput) as caught:
        result = call(*arguments)
        list(result)
    return str(caught.value)


# Kinds and values


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "0"], "integer"),
        (["9223372036854775807"], "integer"),
        (["1", "2.5"], "number"),
        (["-0", ".5", "1.", "1e-3", "+0.5", "inf"], "number"),
        (["9223372036854775808"], "number"),
        (["18446744073709551616"], "text"),
        (["1", "007"], "text"),
        (["0171.5"], "text"),
        (["01067", "60311"], "text"),
        (["+4930123"], "text"),
        (["0x1F"], "text"),
        (["1,5"], "text"),
        (["12 %"], "text"),
        (["\u0661"], "text"),
        (["None", "1"], "text"),
        ([" 12 ", "\t13"], "integer"),
        (["NA", "", "3"], "integer"),
        (["NaN", "3"], "integer"),
        (["NA", "", "null"], "text"),
    ],
)
def test_a_column_has_the_narrowest_kind_that_holds_its_values(tmp_path, values, kind):
    file = tmp_path / "a.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["x", "y"], *([value, "z"] for value in values)])
    assert tables.column_kinds([file], ["x"]) == {"x": kind}


def test_values_become_typed_and_missing_ones_null(tmp_path):
    file = write(
        tmp_path / "a.csv",
        'n,f,t\n 1 ,"2.5",ok\nNA,nan,  \n,NULL,"n/a"\n"3",inf, keep \n4,+1.5,None\n',
    )
    kinds = tables.column_kinds([file])
    assert kinds == {"n": "integer", "f": "number", "t": "text"}
    batch = pa.Table.from_batches(tables.batches(file, kinds))
    assert batch.schema.types == [pa.int64(), pa.float64(), pa.string()]
    assert batch["n"].to_pylist() == [1, None, None, 3, 4]
    assert batch["f"].to_pylist() == [2.5, None, None, math.inf, 1.5]
    assert batch["t"].to_pylist() == ["ok", None, None, " keep ", "None"]


def test_only_the_asked_columns_come_in_the_asked_order(tmp_path):
    file = write(tmp_path / "a.csv", "a,b,c\n1,2,3\n")
    assert rows(file, {"c": "integer", "a": "text"}) == [{"c": 3, "a": "1"}]


def test_quoted_multi_line_fields_and_utf8_names(tmp_path):
    text = (
        '\ufeff"größe, mm",模具\r\n\r\n1,"line one\nsaid ""no""\r\nline three"\r\n2,Gussform Ä\r\n'
    )
    file = write(tmp_path / "a.csv", text)
    assert rows(file, {"größe, mm": "integer", "模具": "text"}) == [
        {"größe, mm": 1, "模具": 'line one\nsaid "no"\r\nline three'},
        {"größe, mm": 2, "模具": "Gussform Ä"},
    ]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".TSV.GZ"])
def test_the_suffix_says_delimiter_and_packing(tmp_path, suffix):
    text = "a,b\n1,x\n2,y\n".replace(",", "\t" if "tsv" in suffix.lower() else ",").encode()
    packed = {"gz": gzip.compress, "st": pa.Codec("zstd").compress}.get(suffix.lower()[-2:], bytes)
    file = write(tmp_path / f"data{suffix}", bytes(packed(text)))
    assert tables.data_files(tmp_path) == [file]
    assert rows(file, {"a": "integer", "b": "text"}) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_kinds_widen_over_the_files_of_a_set(tmp_path):
    write(tmp_path / "1.csv", "a,b,c\n1,,1\n")
    write(tmp_path / "2.csv", "c,a,b\n,2.5,5\nx,3,6\n")
    files = tables.data_files(tmp_path)
    assert tables.column_kinds(files) == {"a": "number", "b": "integer", "c": "text"}


def test_a_whole_number_written_as_pandas_does_fits_the_kind_integer(tmp_path):
    file = write(tmp_path / "a.csv", "a\n1.0\n2.0\n")
    assert tables.column_kinds([file]) == {"a": "number"}
    assert rows(file, {"a": "integer"}) == [{"a": 1}, {"a": 2}]


def test_batches_are_no_longer_than_asked(tmp_path):
    file = write(tmp_path / "a.csv", "a\n" + "1\n" * 25)
    lengths = [batch.num_rows for batch in tables.batches(file, {"a": "integer"}, rows=10)]
    assert lengths == [10, 10, 5]


def test_a_literal_inch_mark_is_no_open_quote(tmp_path):
    file = write(tmp_path / "a.csv", 'pipe,n\n5" steel,1\nplain,2\n')
    assert [row["pipe"] for row in rows(file, {"pipe": "text"})] == ['5" steel', "plain"]


cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=20), st.sampled_from([0, 1]))
def test_what_csv_writer_writes_comes_back(tmp_path_factory, table, quoting):
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, quoting=quoting).writerows([("a", "b"), *table])
    missing = dict.fromkeys(MISSING)
    wanted = [
        {name: missing.get(v.strip(" \t\n\v\f\r"), v) for name, v in zip("ab", row, strict=True)}
        for row in table
    ]
    assert rows(file, {"a": "text", "b": "text"}) == wanted


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=True)
        ),
        min_size=1,
    )
)
def test_numbers_come_back_exactly(tmp_path_factory, table):
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("a", "b"), *table])
    assert tables.column_kinds([file]) == {"a": "integer", "b": "number"}
    got = rows(file, {"a": "integer", "b": "number"})
    assert [(row["a"], row["b"]) for row in got] == table


# Bad input


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,,c\n1,2,3\n", "column 2 of 3 has no name"),
        (b"a,b,a\n1,2,3\n", "more than once: 'a'"),
        ("größe,b\n1,2\n".encode("latin-1"), "line 1: byte 0xF6 is not valid UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "0xFF is not valid UTF-8"),
        ("größe;b\n1;2\n".encode("cp1252"), "line 1: byte 0xF6 is not valid UTF-8; save the file"),
        (b"a;;c\n1;2;3\n", "column 2 of 3 has no name"),
        (b'a,"b\n1,2\n', "line 1: in the row that starts here a quote"),
    ],
)
def test_a_bad_header_is_refused(tmp_path, content, says):
    file = write(tmp_path / "a.csv", content)
    assert says in refusal(tables.column_names, [file])
    assert says in refusal(tables.batches, file, {"a": "text"})
    assert str(file) in refusal(tables.column_kinds, [file])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n\n3\n", "line 4: 1 field where the header has 2"),
        (b'a,b\n1,"x\ny"\n3,4,5\n', "line 4: 3 fields where the header has 2"),
        (b"a,b\n1,2\n3,\xe4\n", "line 3, column 'b': byte 0xE4 is not valid UTF-8"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', 'line 3: in the row that starts here a quote (")'),
        (b'a,b\n1,2\n3,"4\n5,6\n7,"8"\n', "line 3: "),
        (b"a;b\n1;2\n1,5\n", "line 3: 1 field where the header has 2"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(tmp_path, content, says):
    file = write(tmp_path / "a.csv", content)
    assert f"{file}, {says}" in refusal(tables.column_kinds, [file])
    assert f"{file}, {says}" in refusal(tables.batches, file, {"a": "text", "b": "text"})


def test_an_open_quote_that_swallows_rows_of_an_unread_column_is_found(tmp_path):
    file = write(tmp_path / "a.csv", 'a,b\n1,2\n3,"4\n5,6\n')
    assert "line 3" in refusal(tables.batches, file, {"a": "integer"})


@pytest.mark.parametrize("content", [b"a,b\n", b"a,b", b"a,b\r\n\r\n"])
def test_a_header_alone_has_no_rows(tmp_path, content):
    file = write(tmp_path / "a.csv", content)
    assert "no rows" in refusal(tables.column_kinds, [file])
    assert list(tables.batches(file, {"a": "text"})) == []


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [("integer", "2.5", "a whole number"), ("number", "12 %", "a number"), ("number", "007", "a")],
)
def test_a_value_of_another_kind_is_refused_with_its_line(tmp_path, kind, value, meant):
    good = '1,"two\nlines"\n' * 200
    file = write(tmp_path / "a.csv", f"a,b\n{good}\n{value},x\n9,y\nz,z\n")
    message = refusal(tables.batches, file, {"b": "text", "a": kind})
    assert message.startswith(f"{file}, line 403, column 'a': '{value}' is not {meant}")


def test_files_that_disagree_are_refused_by_name(tmp_path):
    write(tmp_path / "1.csv", "a,b\n1,2\n")
    write(tmp_path / "2.csv", "a,c\n1,2\n")
    message = refusal(tables.column_names, tables.data_files(tmp_path))
    assert "2.csv: other columns than" in message
    assert "lacks 'b' and adds 'c'" in message


def test_an_unknown_column_is_refused_with_the_nearest(tmp_path):
    file = write(tmp_path / "a.csv", "pressure,temperature\n1,2\n")
    assert "did you mean 'pressure'?" in refusal(tables.batches, file, {"presure": "text"})


def test_a_damaged_archive_is_refused(tmp_path):
    whole = gzip.compress(b"a,b\n" + bytes(f"{list(range(9999))}", "ascii").replace(b", ", b",1\n"))
    file = write(tmp_path / "a.csv.gz", whole[: len(whole) // 2])
    assert "cannot be read" in refusal(tables.batches, file, {"a": "text"})


# Files


def test_folder_and_pattern_give_sorted_files(tmp_path):
    for name in ("b.csv", "a.csv", ".hidden.csv", "notes.txt"):
        write(tmp_path / name, "x\n1\n")
    assert [file.name for file in tables.data_files(tmp_path)] == ["a.csv", "b.csv"]
    assert [file.name for file in tables.data_files(tmp_path / "a*")] == ["a.csv"]
    assert tables.data_files(tmp_path / "b.csv") == [tmp_path / "b.csv"]


def test_paths_that_give_no_data_are_refused(tmp_path, monkeypatch):
    assert "no such file" in refusal(tables.data_files, tmp_path / "none.csv")
    assert "no data files" in refusal(tables.data_files, tmp_path)
    assert "no data files" in refusal(tables.data_files, tmp_path / "*.csv")
    sheet = write(tmp_path / "a.xlsx", "x")
    assert "'a.xlsx' is not known" in refusal(tables.data_files, sheet)
    write(tmp_path / "a.csv", "x")
    write(tmp_path / "a.csv.gz", "x")
    assert "a.csv, a.csv.gz" in refusal(tables.data_files, tmp_path)


def test_an_unreadable_file_is_refused(tmp_path):
    folder = tmp_path / "a.csv"
    folder.mkdir()
    for call in (tables.column_names, tables.content_digest):
        assert f"{folder}: cannot be read" in refusal(call, [folder])


def test_the_digest_is_that_of_the_content(tmp_path):
    one, other = write(tmp_path / "a.csv", "x\n1\n"), write(tmp_path / "b.csv", "x\n2\n")
    (tmp_path / "copy").mkdir()
    copy = write(tmp_path / "copy" / "c.csv", "x\n1\n")
    assert tables.content_digest([one]) == tables.content_digest([copy])
    distinct = [[one], [other], [one, other], [other, one], [one, one]]
    assert len({tables.content_digest(files) for files in distinct}) == len(distinct)
    tabs = write(tmp_path / "a.tsv", "x\n1\n")
    assert tables.content_digest([tabs]) != tables.content_digest([one])
