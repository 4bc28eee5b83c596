"""The real executor on small files: what is in the splits, and what stays out of them."""

import json
import os
import shutil
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.orchestration.portable import data_types as portable
from tfx.types import standard_artifacts

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline import tables
from beltline.pipeline.components.example_gen import Driver
from tests.pipeline.components.generated import SPLITS, generate, rows_of

ROWS = [
    f"{i},{'' if i % 4 == 0 else i / 8},{['A', 'B', '', 'Ä, 1'][i % 4]!r},{i % 2}".replace("'", '"')
    for i in range(200)
]
HEADER = "number,temp,mold,y"


def table(file, rows=ROWS, header=HEADER):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def splits_of(examples, key="number"):
    """The split of each row, by a column's value."""
    return {row[key][1]: name for name in SPLITS for row in rows_of(examples, name)}


def counts_of(examples):
    names = (*SPLITS, "dropped", "rejected")
    return {name: examples.get_int_custom_property(f"rows_{name}") for name in names}


def test_no_row_is_lost_or_doubled_and_each_holds_what_the_file_says(tmp_path):
    examples = generate(tmp_path / "out", table(tmp_path / "a.csv"))
    rows = rows_of(examples)
    assert sorted(row["number"][1] for row in rows) == list(range(200))
    by_number = {row["number"][1]: row for row in rows}
    assert by_number[5] == {
        "number": ("int64_list", 5),
        "temp": ("float_list", 0.625),
        "mold": ("bytes_list", b"B"),
        # A label of integers that the schema has as text.
        "y": ("bytes_list", b"1"),
    }
    assert by_number[7]["mold"] == ("bytes_list", "Ä, 1".encode())
    # What is missing has no value, whichever its kind.
    assert set(by_number[4]) == {"number", "mold", "y"}
    assert set(by_number[6]) == {"number", "temp", "y"}
    found = {name: len(rows_of(examples, name)) for name in SPLITS}
    assert counts_of(examples) == {**found, "dropped": 0, "rejected": 0}
    assert sum(found.values()) == 200
    assert examples.get_string_custom_property("file_format") == "tfrecords_gzip"


def test_shares_are_about_those_asked_for(tmp_path):
    rows = [f"{i},{i / 7:.5f},A,1" for i in range(5000)]
    counts = counts_of(generate(tmp_path / "out", table(tmp_path / "a.csv", rows)))
    for name, share in SPLITS.items():
        assert counts[name] / 5000 == pytest.approx(share, abs=0.03)


@pytest.mark.slow
def test_a_row_keeps_its_split_however_the_data_are_laid_out(tmp_path):
    before = splits_of(generate(tmp_path / "o1", table(tmp_path / "a.csv")))
    # Turned round, in three files, with the columns in another order.
    mixed = [",".join(r.rsplit(",", 1)[::-1]) for r in ROWS[::-1]]
    for part in range(3):
        table(tmp_path / "parts" / f"{part}.csv", mixed[part::3], "y,number,temp,mold")
    assert splits_of(generate(tmp_path / "o2", tmp_path / "parts")) == before
    copied = shutil.copy(tmp_path / "a.csv", tmp_path / "copy.csv")
    os.utime(copied, (1, 1))
    assert splits_of(generate(tmp_path / "o3", copied)) == before
    # More rows leave those that were there where they were.
    more = table(tmp_path / "more.csv", [*ROWS, *(f"{i},1,A,1" for i in range(200, 300))])
    after = splits_of(generate(tmp_path / "o4", more))
    assert {number: after[number] for number in before} == before


@pytest.mark.slow
def test_parquet_gives_the_same_splits_as_csv(tmp_path):
    before = splits_of(generate(tmp_path / "o1", table(tmp_path / "a.csv")))
    columns = {
        "mold": [["A", "B", None, "Ä, 1"][i % 4] for i in range(200)],
        "number": list(range(200)),
        "temp": [None if i % 4 == 0 else i / 8 for i in range(200)],
        "y": [i % 2 for i in range(200)],
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert splits_of(generate(tmp_path / "o2", tmp_path / "a.parquet")) == before


@pytest.mark.parametrize("exclude", [(), ("mold",)])
def test_rows_that_share_the_value_of_a_column_stay_together(tmp_path, exclude):
    rows = [f"{i},{i / 8},group{i // 10},{i % 2}" for i in range(200)]
    file = table(tmp_path / "a.csv", rows)
    examples = generate(tmp_path / "out", file, exclude=exclude, split_by="mold")
    splits = splits_of(examples)
    groups = {i // 10: {splits[n] for n in range(200) if n // 10 == i // 10} for i in range(200)}
    assert all(len(found) == 1 for found in groups.values())
    assert len({next(iter(found)) for found in groups.values()}) == 3
    assert len(splits) == 200
    assert all(("mold" in row) != bool(exclude) for row in rows_of(examples))


@pytest.mark.parametrize(
    ("split_by", "exclude"),
    [("number", ()), ("number", ("number",)), ("mold", ())],
    ids=["a feature", "an excluded column", "numbers that the schema has as text"],
)
def test_the_latest_rows_are_for_the_evaluation(tmp_path, split_by, exclude):
    file = table(tmp_path / "a.csv", [f"{i},{i / 8},{i},{i % 2}" for i in range(200)])
    examples = generate(tmp_path / "out", file, exclude=exclude, split_by=split_by, time_gap="0.05")
    found = {name: sorted(row["temp"][1] * 8 for row in rows_of(examples, name)) for name in SPLITS}
    bounds = np.cumsum([0, *SPLITS.values()]) * 200
    for (start, end), rows in zip(pairwise(bounds), found.values(), strict=True):
        gap = 10 if end < 200 else 0
        assert rows == list(range(round(start), round(end) - gap))
    assert examples.get_int_custom_property("rows_gap") == 20
    assert all(("number" in row) != bool(exclude) for row in rows_of(examples))


def test_excluded_columns_are_not_read_at_all(tmp_path):
    examples = generate(tmp_path / "out", table(tmp_path / "a.csv"), exclude=["temp", "mold"])
    assert {name for row in rows_of(examples) for name in row} == {"number", "y"}


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    rows = [f"{i},1,A,{'' if i % 10 == 0 else 1}" for i in range(100)]
    file = table(tmp_path / "a.csv", rows)
    examples = generate(tmp_path / "o1", file, drop_without="y")
    assert sorted(splits_of(examples)) == [i for i in range(100) if i % 10]
    assert counts_of(examples)["dropped"] == 10
    kept = generate(tmp_path / "o2", file)
    assert len(rows_of(kept)) == 100
    assert counts_of(kept)["dropped"] == 0


def test_nan_is_missing_and_infinity_stays_for_the_gate_to_see(tmp_path):
    temps = ["NaN", "nan", "inf", "-inf", "0.5"]
    file = table(tmp_path / "a.csv", [f"{i},{temp},A,1" for i, temp in enumerate(temps)])
    found = {row["number"][1]: row.get("temp") for row in rows_of(generate(tmp_path / "out", file))}
    assert found == {
        0: None,
        1: None,
        2: ("float_list", np.inf),
        3: ("float_list", -np.inf),
        4: ("float_list", 0.5),
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,1e39,A,1", "column 'temp': 1e+39 is beyond the range of 32-bit floats; correct it"),
        (
            "9007199254740992,1,A,1",
            "column 'number': 9007199254740992 is beyond ±9007199254740991, the whole numbers that "
            "a 64-bit float holds exactly; make the column FLOAT in the schema, or BYTES if",
        ),
    ],
)
def test_a_number_that_no_request_could_hold_is_named_by_its_line(tmp_path, row, message):
    file = table(tmp_path / "a.csv", ["0,1.5,A,1", row])
    with pytest.raises(WrongInput) as caught:
        generate(tmp_path / "out", file)
    assert f"a.csv, line 3, {message}" in str(caught.value)
    assert not [file for file in (tmp_path / "out" / "examples").rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("temps", "kind"),
    [
        (["1", "x", "2"], "bytes_list"),
        (["1", "2", "3"], "float_list"),
        (["", "", ""], None),
    ],
)
def test_a_column_is_written_as_its_kind_wherever_its_values_allow_it(tmp_path, temps, kind):
    file = table(tmp_path / "a.csv", [f"{i},{temp},A,1" for i, temp in enumerate(temps)])
    rows = rows_of(generate(tmp_path / "out", file))
    assert {row["temp"][0] for row in rows if "temp" in row} == ({kind} if kind else set())


def test_whole_numbers_with_a_point_are_integers_and_fractions_are_not(tmp_path):
    whole = table(tmp_path / "a.csv", [f"{i}.0,1,A,1" for i in range(3)])
    assert {row["number"][0] for row in rows_of(generate(tmp_path / "o1", whole))} == {"int64_list"}
    half = table(tmp_path / "b.csv", [f"{i}.5,1,A,1" for i in range(3)])
    assert {row["number"][0] for row in rows_of(generate(tmp_path / "o2", half))} == {"float_list"}


def test_a_type_that_changes_between_files_is_written_alike_in_both(tmp_path):
    table(tmp_path / "in" / "1.csv", [f"{i},1,A,1" for i in range(5)])
    table(tmp_path / "in" / "2.csv", [f"{i},x,A,1" for i in range(5, 10)])
    rows = rows_of(generate(tmp_path / "out", tmp_path / "in"))
    assert {row["temp"][0] for row in rows} == {"bytes_list"}
    assert len(rows) == 10


def test_a_new_column_is_written_for_the_gate_to_see(tmp_path):
    file = table(tmp_path / "a.csv", [f"{row},{i}" for i, row in enumerate(ROWS)], HEADER + ",new")
    assert all(row["new"][0] == "int64_list" for row in rows_of(generate(tmp_path / "out", file)))


def test_a_split_may_end_up_empty_and_is_counted_so(tmp_path):
    file = table(tmp_path / "a.csv", ["1,1,A,1"])
    counts = counts_of(generate(tmp_path / "out", file))
    assert sorted(counts.values()) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"number,temp,mold,y\n1,1,A,1\n2,2,B\n", "a.csv, line 3: 3 fields where the header has 4"),
        (b"number,temp,mold,y\n1,1,\xff,1\n", "a.csv, line 2, column 'mold': byte 0xFF is"),
        (b"number,temp,mold,y\n", "a.csv: no rows"),
        (b"", "a.csv: the file is empty"),
        (b"number,temp,temp,y\n1,1,1,1\n", "a.csv: column name used more than once: 'temp'"),
        (b'number,temp,mold,y\n1,1,"A,1\n2,2,B,1\n', "a.csv, line 2: "),
    ],
)
def test_broken_data_are_named_by_line_and_nothing_is_written(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(WrongInput) as caught:
        generate(tmp_path / "out", tmp_path / "a.csv")
    assert message in str(caught.value)
    assert "while running" not in str(caught.value)
    assert not [file for file in (tmp_path / "out" / "examples").rglob("*") if file.is_file()]


BROKEN = b"""number,temp,mold,y
1,1,A,1
2,2,B
3,3,"A,
1"x,1
4,4,\xff,1
5,x,"A
B",1
6,6,B,1,7
7,7,5" C,1
"""


def test_what_cannot_be_read_goes_to_a_file_of_its_own(tmp_path, caplog):
    (tmp_path / "a.csv").write_bytes(BROKEN)
    examples = generate(tmp_path / "out", tmp_path / "a.csv", unreadable="reject")
    rows = {row["number"][1]: row for row in rows_of(examples)}
    assert {number: row["mold"][1] for number, row in rows.items()} == {
        1: b"A",
        5: b"A\nB",
        7: b'5" C',
    }
    # A value of another kind is no unreadable row: its column is written as what it is.
    assert rows[5]["temp"] == ("bytes_list", b"x")
    assert counts_of(examples)["rejected"] == 4
    (file,) = (tmp_path / "out" / "examples" / "rejects").iterdir()
    rejected = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {row["file"] for row in rejected} == {str(tmp_path / "a.csv")}
    assert [(row["line"], row["column"], row["text"]) for row in rejected] == [
        (3, None, "2,2,B"),
        (4, None, '3,3,"A,\n1"x,1'),
        (6, "mold", r"4,4,\xff,1"),
        (9, None, "6,6,B,1,7"),
    ]
    assert [row["reason"].split(" where ")[0].split(";")[0] for row in rejected] == [
        "3 fields",
        'in the row that starts here a closing quote (") is not followed by a delimiter',
        "byte 0xFF is not valid UTF-8",
        "5 fields",
    ]
    assert f"4 rows can't be read and are left out; see {file.parent}" in caplog.text


def test_a_column_that_is_not_read_rejects_no_row(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"number,temp,mold,y\n1,1,\xff,1\n2,2,B\n3,3,C,1\n")
    examples = generate(tmp_path / "out", tmp_path / "a.csv", exclude=["mold"], unreadable="reject")
    assert sorted(row["number"][1] for row in rows_of(examples)) == [1, 3]
    assert counts_of(examples)["rejected"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'number,temp,mold,y\n1,1,A,1\n2,2,"B,1\n3,3,C,1\n', "a.csv, line 3: in the row that"),
        (b"number,temp,mold,y\n1,1,A\n2,2,B\n", "a.csv: none of the 2 rows can be read"),
    ],
)
def test_an_open_quote_and_a_file_of_nothing_else_are_errors_all_the_same(
    tmp_path, content, message
):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(WrongInput, match=message):
        generate(tmp_path / "out", tmp_path / "a.csv", unreadable="reject")
    assert not [file for file in (tmp_path / "out" / "examples").rglob("*") if file.is_file()]


def test_the_error_names_the_setting_that_would_go_on(tmp_path):
    file = table(tmp_path / "a.csv", ["1,1,A,1", "2,2"])
    with pytest.raises(WrongInput, match=r"line 3: 2 fields .* data\.unreadable: reject"):
        generate(tmp_path / "out", file)


@pytest.mark.parametrize("size", [40, 500])
def test_a_file_in_ranges_gives_the_same_splits_and_counts(tmp_path, monkeypatch, size):
    broken = [*ROWS, "7,7", '8,8,"two\nlines",1'] * 3
    file = table(tmp_path / "a.csv", broken)
    whole = generate(tmp_path / "o1", file, unreadable="reject")
    monkeypatch.setattr(tables, "RANGE", size)
    ranges = generate(tmp_path / "o2", file, unreadable="reject")
    shards = list((tmp_path / "o2" / "examples" / "Split-train").iterdir())
    assert len(shards) == len(tables.units([file], size)) > 20000 // size // 3
    assert counts_of(ranges) == counts_of(whole)
    assert counts_of(whole)["rejected"] == 3
    for split in SPLITS:
        assert rows_of(ranges, split) == rows_of(whole, split)


@pytest.mark.slow
def test_workers_in_processes_of_their_own_give_the_same(tmp_path, monkeypatch):
    file = table(tmp_path / "a.csv", [*ROWS, "7,7"])
    one = generate(tmp_path / "o1", file, unreadable="reject")
    monkeypatch.setattr(tables, "RANGE", 500)
    workers = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    two = generate(tmp_path / "o2", file, unreadable="reject", beam=workers)
    assert counts_of(two) == counts_of(one)
    assert counts_of(one)["rejected"] == 1
    for split in SPLITS:
        assert rows_of(two, split) == rows_of(one, split)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(WrongInput, match="no such file or folder"):
        generate(tmp_path / "out", tmp_path / "nowhere")


def found_by_the_driver(path, span):
    """The execution properties that the driver changes, and the artifact's typed properties."""
    examples = standard_artifacts.Examples()
    unused = ("query", "changed_by", "split_by")
    info = portable.ExecutionInfo(
        output_dict={"examples": [examples]},
        exec_properties={"path": str(path), "span": span}
        | dict.fromkeys(unused, "")
        | {"exclude": "[]"},
    )
    output = Driver(None).run(info)
    names = {name: value.string_value for name, value in output.exec_properties.items()}
    return names, (examples.span, examples.version)


def test_the_latest_day_is_for_the_cache_the_same_as_that_day_named(tmp_path):
    for day in ("22", "23"):
        table(tmp_path / f"2026-11-{day}.csv", ROWS[: int(day)])
    path = tmp_path / "{YYYY}-{MM}-{DD}.csv"
    latest = found_by_the_driver(path, "latest")
    assert latest == found_by_the_driver(path, "2026-11-23")
    assert latest[0]["span"] == "2026-11-23"
    assert latest[1] == (20780, 0)
    before = found_by_the_driver(path, "2026-11-22")
    assert before[1][0] == 20779
    assert before[0]["data_digest"] != latest[0]["data_digest"]


def test_a_new_version_of_a_span_is_new_data(tmp_path):
    path = tmp_path / "{SPAN}" / "v{VERSION}.csv"
    table(tmp_path / "7" / "v2.csv")
    first = found_by_the_driver(path, "7")
    table(tmp_path / "7" / "v10.csv", ROWS[:5])
    second = found_by_the_driver(path, "7")
    assert (first[1], second[1]) == ((7, 2), (7, 10))
    assert first[0] != second[0]
    with pytest.raises(NoData, match="no data for span 8 "):
        found_by_the_driver(path, "8")


def test_a_relative_path_starts_at_the_data_folder(tmp_path, monkeypatch):
    table(tmp_path / "a.csv")
    monkeypatch.setenv("BELTLINE_DATA", str(tmp_path))
    assert len(rows_of(generate(tmp_path / "out", "a.csv"))) == 200
