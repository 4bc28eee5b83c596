"""Columns that tell the label are found in real files, and columns that are only good are kept."""

import csv
import random

import pytest

from beltline.pipeline import tables
from beltline.pipeline.init.inference import infer_project
from beltline.pipeline.init.label import infer_label
from beltline.pipeline.init.leakage import leaks
from beltline.pipeline.init.profile import profile

ROWS = 400
chance = random.Random(7)  # noqa: S311 - it keeps no secret
SCRAP = [chance.random() < 0.2 for _ in range(ROWS)]
GRADE = [chance.choice("ABC") for _ in range(ROWS)]
LENGTH = [round(chance.gauss(20, 3), 3) for _ in range(ROWS)]


def written(folder, label, column):
    file = folder / "data.csv"
    temp = [chance.random() for _ in label]
    with file.open("w", newline="") as stream:
        rows = zip(label, column, temp, strict=True)
        csv.writer(stream).writerows([("label", "x", "temp"), *rows])
    return [file]


def found(folder, label, column):
    files = written(folder, label, column)
    columns = profile(files, tables.column_kinds(files))
    target = infer_label(files, columns.pop("label"))
    reasons = leaks(files, list(columns.values()), target)
    assert "temp" not in reasons
    return reasons.get("x")


LEAKING = {
    "the label in other words": (SCRAP, ["nok" if bad else "good" for bad in SCRAP], "each of"),
    "the label as a number": (GRADE, [ord(grade) for grade in GRADE], "each of its values"),
    "several codes of a class": (
        SCRAP,
        [chance.choice(("F1", "F7") if bad else ("", "ok")) for bad in SCRAP],
        "each of its values goes with one class",
    ),
    "a remark on scrap alone": (
        SCRAP,
        [f"{chance.random():.6f}" if bad else "" for bad in SCRAP],
        "it has a value where the label is 'True', and only there",
    ),
    "minutes of repair": (
        SCRAP,
        [chance.uniform(5, 60) if bad else chance.uniform(0, 4.9) for bad in SCRAP],
        "its numbers of one class are all above those of another",
    ),
    "grades by measure": (
        GRADE,
        [10 * "ABC".index(grade) + chance.random() for grade in GRADE],
        "its numbers of one class are all above",
    ),
    "another unit": (LENGTH, [value / 25.4 + 3 for value in LENGTH], "their correlation is 1.0000"),
    "rounded": (LENGTH, [-round(value, 2) for value in LENGTH], "their correlation is"),
    "a copy that lacks some": (LENGTH, ["", *LENGTH[1:]], "their correlation is 1.000000"),
}


@pytest.mark.parametrize("case", LEAKING)
def test_a_column_that_tells_the_label_is_found(tmp_path, case):
    label, column, reason = LEAKING[case]
    said = found(tmp_path, label, column)
    assert said is not None
    assert said.startswith(f"leakage: it tells the label; {reason}")


KEPT = {
    "one row disagrees": (SCRAP, [*map(str, SCRAP[:-1]), str(not SCRAP[-1])]),
    "all values differ": (SCRAP, [f"part {row}" for row in range(ROWS)]),
    "nearly all values differ": (SCRAP, [f"lot {row // 1.02:.0f}" for row in range(ROWS)]),
    "classes overlap": (SCRAP, [chance.gauss(3 * bad, 1) for bad in SCRAP]),
    "mostly missing where it tells": (
        SCRAP,
        [chance.uniform(5, 60) if bad and row % 2 else "" for row, bad in enumerate(SCRAP)],
    ),
    "missing in both classes": (SCRAP, [chance.choice(("", 1)) for _ in SCRAP]),
    "two sensors of one thing": (LENGTH, [value + chance.gauss(0, 0.03) for value in LENGTH]),
    "few rows": ([0, 1] * 6, [1.5, 7.25] * 6),
    "few rows on a line": ([0.5 * row for row in range(15)], [2.5 * row for row in range(15)]),
    "rare class in few rows": ([True] * 2 + [False] * 98, [9] * 2 + [1] * 98),
    "a value in a few rows": ([True] * 2 + [False] * 98, [9] * 2 + [""] * 98),
    "two of three classes overlap": (
        GRADE,
        [(grade == "C") * 10 + chance.random() for grade in GRADE],
    ),
    "a copy in every other row": (
        LENGTH,
        [value if row % 2 else "" for row, value in enumerate(LENGTH)],
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_column_that_may_be_only_good_is_kept(tmp_path, case):
    assert found(tmp_path, *KEPT[case]) is None


def test_rows_without_a_label_tell_nothing(tmp_path):
    label = ["" if row % 5 == 0 else bad for row, bad in enumerate(SCRAP)]
    assert found(tmp_path, label, SCRAP) is not None


@pytest.mark.parametrize(
    ("label", "column", "other"),
    [
        (SCRAP, SCRAP, [*SCRAP[:-1], not SCRAP[-1]]),
        (LENGTH, LENGTH, [value + 5 for value in LENGTH]),
    ],
    ids=["one row disagrees", "another line"],
)
def test_all_files_are_compared(tmp_path, label, column, other):
    (tmp_path / "b").mkdir()
    files = [*written(tmp_path, label, column), *written(tmp_path / "b", label, other)]
    columns = profile(files, tables.column_kinds(files))
    target = infer_label(files, columns.pop("label"))
    assert leaks(files[:1], list(columns.values()), target) != {}
    assert leaks(files, list(columns.values()), target) == {}


def test_it_is_left_out_and_explained(tmp_path):
    inferred = infer_project(
        written(tmp_path, SCRAP, ["F" if bad else "" for bad in SCRAP]), "label"
    )
    assert list(inferred.excluded) == ["x"]
    assert [column.name for column in inferred.features] == ["temp"]
    assert any("remove it from features.exclude" in note for note in inferred.notes)


def test_where_every_column_tells_the_label_all_are_kept(tmp_path):
    files = written(tmp_path, SCRAP, SCRAP)
    files[0].write_text("".join(line.rpartition(",")[0] + "\n" for line in files[0].open()))
    inferred = infer_project(files, "label")
    assert not inferred.excluded
    assert [column.name for column in inferred.features] == ["x"]
    assert any("is it known before the label is?" in note for note in inferred.notes)
