import csv

import pytest

from beltline.pipeline import tables
from beltline.pipeline.init.feature_selection import exclusion_reason, shown, words_of
from beltline.pipeline.init.profile import profile

ROWS = 400


def reason(folder, name, values):
    file = folder / "a.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([(name, "other"), *((value, 1) for value in values)])
    return exclusion_reason(profile([file], tables.column_kinds([file], [name]))[name])


LEFT_OUT = {
    "no value": ("x", [""] * ROWS, "empty: no row has a value"),
    "one value": ("x", ["a b"] * ROWS, "constant: always 'a b'"),
    "one number, few missing": ("x", [""] * 10 + [5] * (ROWS - 10), "constant: always 5"),
    "row number": ("zeile", range(1, ROWS + 1), "id: it numbers the rows"),
    "row number, shuffled": ("x", [i * 7 % ROWS for i in range(ROWS)], "id: it numbers the rows"),
    "order numbers with gaps": ("x", [i * i for i in range(ROWS)], "id: it numbers the rows"),
    "pandas row number": ("x", ["", *(f"{i}.0" for i in range(ROWS))], "id: it numbers the rows"),
    "row number, rows held back": (
        "x",
        [i * 7919 % 1009 for i in range(ROWS)],
        "id: every value differs, as only those of a counter do",
    ),
    "id by name": ("PartId", [i * 7919 % 10007 for i in range(ROWS)], "id: every value differs"),
    "id by name, some twice": (
        "customer_id",
        [i * 7919 % 10007 for i in range(300)] + [0] * 100,
        "id: 300 different values in 400 rows",
    ),
    "codes": ("x", [f"P-{i}" for i in range(ROWS)], "id or free text: every value differs"),
    "remarks": (
        "x",
        [f"text {i // 1.5}" for i in range(ROWS)],
        "id or free text: 267 different values in 400 rows",
    ),
    "numbers but for one": (
        "x",
        ["n.a.", *(f"{i / 7:.5f}" for i in range(1, ROWS))],
        "id or free text: every value differs; nearly all are numbers, but not 'n.a.': "
        "fix that value to use the column",
    ),
    "ISO times": (
        "x",
        ["2024-05-01T06:00:00Z"] * 9 + ["2024-05-02"] * 9,
        "timestamp: '2024-05-01T",
    ),
    "German dates": ("x", ["24.12.2023", "1.5.2024 06:30"] * 9, "timestamp: '24.12.2023' …"),
    "epoch seconds": ("started_at", [1700000000, 1700003600] * 9, "timestamp: 1700000000 …"),
    "epoch ms, some missing": (
        "cast time",
        [1700000000000.0, "", 1700000000001.0] * 9,
        "timestamp",
    ),
    "yyyymmdd": ("Datum", [20240501, 20240502] * 9, "timestamp: 20240501 …"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_left_out_with_the_reason(tmp_path, case):
    name, values, said = LEFT_OUT[case]
    assert (reason(tmp_path, name, values) or "").startswith(said)


FEATURES = {
    "floats all different": ("x", [i * 0.37 for i in range(ROWS)]),
    "whole numbers": ("pressure", [i * 7919 % 211 for i in range(ROWS)]),
    "different, in no order": ("x", [i * 7919 % 10007 for i in range(ROWS)]),
    "few ids": ("machine_id", [3, 1, 2, 7] * 100),
    "categories": ("mold", ["A", "B"] * 200),
    "hundred categories": ("x", [f"c{i % 100}" for i in range(ROWS)]),
    "a mark that some bear": ("x", ["", "", "", "Y"] * 100),
    "large numbers, no time": ("force", [1700000000, 1700003600] * 9),
    "hours": ("start_time", [6, 14, 22] * 100),
    "shift starts": ("start", ["06:00", "14:00", "22:00"] * 100),
    "a few rows that rise": ("x", [1, 2, 3]),
    "releases": ("version", ["1.2.3", "1.2.4"] * 9),
}


@pytest.mark.parametrize("case", FEATURES)
def test_kept_as_a_feature(tmp_path, case):
    assert reason(tmp_path, *FEATURES[case]) is None


def test_words_of_a_name():
    assert words_of("PartId") == words_of("part_id") == words_of("Part-ID") == {"part", "id"}
    assert "id" not in words_of("humidity") | words_of("solid")


def test_shown_fits_on_a_line():
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 500)) <= 40
