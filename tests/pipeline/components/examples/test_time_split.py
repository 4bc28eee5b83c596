"""The latest rows are for the evaluation: on real files, read in several units."""

import pickle

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline import tables
from beltline.pipeline.components.examples.time_split import time_split

SHARES = {"train": 0.7, "validation": 0.1, "eval": 0.2}


def split(folder, values, kind=None, labels=None, **given):
    """The split of a table's rows by the time `values`, in the order of the file."""
    file = folder / "a.csv"
    labels = labels or ["1"] * len(values)
    rows = [f"{time},{label}" for time, label in zip(values, labels, strict=True)]
    file.write_text("\n".join(["at,y", *rows]) + "\n")
    kind = kind or tables.column_kinds([file], ["at"])["at"]
    units = tables.units([file], size=64)
    assert len(units) > 1
    made = pickle.loads(pickle.dumps(time_split("at", units, kind, SHARES, **given)))  # noqa: S301 - of our own making
    [*batches] = tables.batches(file, {"at": kind})
    return {name: rows.tolist() for name, rows in made(batches[0]).items()}


SHUFFLED = [(row * 37) % 100 for row in range(100)]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda time: time, id="whole numbers"),
        pytest.param(lambda time: time / 7 - 3, id="numbers"),
        pytest.param(lambda time: f"2026-11-{1 + time // 10:02d}T{time % 10:02d}:00:00", id="ISO"),
        pytest.param(
            lambda time: (
                f"2026-11-01 {time % 24:02d}:00Z"
                if time < 24
                else f"2026-12-{time - 20}"
                if time < 51
                else f"{1976 + time}-01-01T00:00:00.5+01:00"
            ),
            id="ISO in several forms",
        ),
    ],
)
def test_the_earliest_rows_train_and_the_latest_are_for_the_evaluation(tmp_path, written):
    found = split(tmp_path, [written(time) for time in SHUFFLED])
    by_time = {name: sorted(SHUFFLED[row] for row in rows) for name, rows in found.items()}
    assert by_time == {
        "train": list(range(70)),
        "validation": list(range(70, 80)),
        "eval": list(range(80, 100)),
    }
    assert all(rows == sorted(rows) for rows in found.values())


def test_a_gap_leaves_out_the_rows_before_each_later_split(tmp_path):
    found = split(tmp_path, SHUFFLED, gap=0.05)
    by_time = {name: sorted(SHUFFLED[row] for row in rows) for name, rows in found.items()}
    assert by_time == {
        "train": list(range(65)),
        "validation": list(range(70, 75)),
        "eval": list(range(80, 100)),
    }


def test_rows_of_one_time_stay_together(tmp_path):
    days = [row // 8 for row in range(100)]
    found = split(tmp_path, days)
    of = {name: {days[row] for row in rows} for name, rows in found.items()}
    assert sum(map(len, of.values())) == len(set(days))
    assert (max(of["train"]), max(of["validation"])) == (7, 9)


def test_a_row_without_a_time_trains(tmp_path):
    found = split(tmp_path, ["", *range(1, 100)])
    assert 0 in found["train"]
    assert sum(map(len, found.values())) == 100


def test_rows_without_a_label_have_no_share(tmp_path):
    labels = ["" if time >= 80 else "1" for time in SHUFFLED]
    found = split(tmp_path, SHUFFLED, labels=labels, labelled_by="y")
    latest = [row for row in found["eval"] if labels[row]]
    assert sorted(SHUFFLED[row] for row in latest) == list(range(64, 80))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["2026-11-23", "yesterday"] * 10, "line 3, column 'at': 'yesterday' is not a time"),
        (["24.12.2026"] * 20, "line 2, column 'at': '24.12.2026' is not a time"),
        ([1, 2] * 10, "2 different times in 20 rows, and the split 'validation' would be empty"),
        ([5] * 20, "1 different times in 20 rows"),
    ],
)
def test_what_can_not_be_split_says_why(tmp_path, values, says):
    with pytest.raises(WrongInput) as caught:
        split(tmp_path, values)
    assert says in str(caught.value)
