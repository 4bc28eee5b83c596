import csv

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.init.inference import infer_project

ROWS = 300


def data(folder, **columns):
    """A CSV file of the given columns, and a feature beside them."""
    file = folder / "data.csv"
    length = len(next(iter(columns.values())))
    columns = {"temp": [i * 7 % 31 / 3 for i in range(length)], **columns}
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *zip(*columns.values(), strict=True)])
    return [file]


TASKS = {
    "two words": (["ok", "scrap"], "binary", ("ok", "scrap")),
    "positive sorts first": (["defect", "ok"], "binary", ("ok", "defect")),
    "positive known by the other": (["A2", "OK"], "binary", ("OK", "A2")),
    "named like the label": (["zz", "y_label"], "binary", ("zz", "y_label")),
    "no known word": (["left", "right"], "binary", ("left", "right")),
    "0 and 1": ([1, 0], "binary", ("0", "1")),
    "-1 and 1": ([1, -1], "binary", ("-1", "1")),
    "1 and 2": ([2, 1], "binary", ("1", "2")),
    "pandas 0 and 1": (["1.0", "0.0"], "binary", ("0.0", "1.0")),
    "two numbers": ([0.5, 2.5], "binary", ("0.5", "2.5")),
    "three words": (["b", "a", "ü"], "multiclass", ("a", "b", "ü")),
    "grades": ([10, 9, 2], "multiclass", ("2", "9", "10")),
    "codes": (["007", "01", "1"], "multiclass", ("007", "01", "1")),
    "hundred words": ([f"c{i:02d}" for i in range(100)], "multiclass", None),
    "many whole numbers": (range(21), "regression", ()),
    "fractions": ([0.5, 1.5, 2.5], "regression", ()),
}


@pytest.mark.parametrize("case", TASKS)
def test_the_label_gives_task_and_classes(tmp_path, case):
    values, task, classes = TASKS[case]
    values = (list(values) * ROWS)[:ROWS]
    label = infer_project(data(tmp_path, y_label=values), "y_label").label
    assert label.task == task
    if classes is not None:
        assert label.classes == classes
        assert label.positive == (classes[1] if task == "binary" else None)
        assert sum(label.counts) == (ROWS if classes else 0)


def test_few_rows_of_whole_numbers_are_a_regression(tmp_path):
    assert infer_project(data(tmp_path, y=[3, 1, 2] * 9), "y").label.task == "regression"


def refused(files, label):
    with pytest.raises(WrongInput) as caught:
        infer_project(files, label)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["ok"] * 50, "the label 'y' is 'ok' in every row"),
        ([1, ""] * 50, "the label 'y' is 1 in every row that has one"),
        ([""] * 50, "the label 'y' has no value in any row"),
        ([f"t{i % 150}" for i in range(300)], "150 different values that are not all numbers"),
        (["1", "1.0", "0"] * 50, "one number in several ways ('0', '1', '1.0')"),
        ([*(i / 3 for i in range(50)), "inf"], "line 52: the label 'y' is infinite"),
    ],
)
def test_a_label_that_will_not_do_is_refused(tmp_path, values, says):
    assert says in refused(data(tmp_path, y=values), "y")


def test_an_unknown_label_names_the_nearest_column(tmp_path):
    assert "no column 'scarp'; did you mean 'scrap'?" in refused(
        data(tmp_path, scrap=["a", "b"]), "scarp"
    )


def test_no_feature_left_is_refused_with_the_reasons(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("n,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(30)))
    assert "'n' is id: it numbers the rows" in refused([file], "y")


def test_missing_labels_are_said_with_the_first_line(tmp_path):
    files = data(tmp_path, text=["x\ny"] * 60, y=["a", "b", ""] * 20)
    inferred = infer_project(files, "y")
    assert inferred.label.column.missing == 20
    assert inferred.label.first_unlabelled == f"{files[0]}, line 6"
    assert any("20 rows have no label" in note and "line 6" in note for note in inferred.notes)


def test_what_needs_a_word_gets_a_note(tmp_path):
    files = data(tmp_path, q=["inf", *range(99)], y=["ok", "OK "] * 48 + ["x", "z", "z", "z"])
    notes = "\n".join(infer_project(files, "y").notes)
    assert "'q' has 1 values that are infinite, or are so as 32-bit floats" in notes
    assert "line 2" in notes
    assert "too few rows to learn or judge: 'x' (1), 'z' (3)" in notes
    assert "differ only in case" in notes


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("at", "2026-11-{:02d}T06:00:00", True),
        ("epoch_ts", "17000{:02d}000", True),
        ("at", "{:02d}.11.2026", False),
        ("at", "machine {:02d}", False),
    ],
)
def test_a_time_that_the_rows_can_be_split_by_is_named(tmp_path, name, value, named):
    values = [value.format(1 + row % 28) for row in range(ROWS)]
    y = ["no", "yes"] * (ROWS // 2 - 1) + ["yes", "no"]
    notes = infer_project(data(tmp_path, **{name: values, "y": y}), "y").notes
    assert any(f"{name!r} is a time: with data.split_by.time" in note for note in notes) is named


@pytest.mark.parametrize(
    ("delimiter", "said"),
    [
        (",", []),
        (";", ["semicolons separate the columns, and 1,5 is read as 1.5"]),
        ("|", ["bars separate the columns"]),
    ],
)
def test_an_unusual_delimiter_is_named(tmp_path, delimiter, said):
    file = tmp_path / "a.csv"
    rows = "".join(f"{n % 7}{delimiter}{'xy'[n % 3 > 1]}\n" for n in range(60))
    file.write_text(f"n{delimiter}y\n{rows}")
    notes = [note for note in infer_project([file], "y").notes if "separate" in note]
    assert notes == [f"{file}: {each}" for each in said]


def test_slices_are_the_first_two_small_categories(tmp_path):
    inferred = infer_project(
        data(
            tmp_path,
            many=[f"v{i % 13}" for i in range(260)],
            a=["p", "q"] * 130,
            number=[1, 2] * 130,
            b=["r", "s", "t", "u"] * 65,
            c=["p", "q"] * 130,
            y=[*["no", "yes"] * 129, "yes", "no"],
        ),
        "y",
    )
    assert inferred.slices == ("a", "b")


@pytest.mark.parametrize(
    ("values", "metric", "side", "value"),
    [
        (["a", "b"] * 150, "auc", "lower", 0.6),
        (["a", "a", "b", "c"] * 75, "accuracy", "lower", 0.525),
        ([0.5, 1.5, 2.5] * 100, "rmse", "upper", 0.8165),
    ],
)
def test_the_floor_is_what_guessing_does_not_reach(tmp_path, values, metric, side, value):
    threshold = infer_project(data(tmp_path, y=values), "y").threshold
    assert (threshold.metric, threshold.side, threshold.value) == (metric, side, value)


@pytest.mark.slow
def test_hundreds_of_columns_with_missing_values(tmp_path):
    columns = {
        f"s{i:03d}": [
            "" if (row * 31 + i) % 10 == 0 else 5 if i % 10 == 0 else (row * (i + 7)) % 997 / 7
            for row in range(1500)
        ]
        for i in range(590)
    }
    columns["e"] = [""] * 1500
    inferred = infer_project(data(tmp_path, **columns, y=[-1, -1, 1] * 500), "y")
    assert len(inferred.features) == 591
    assert inferred.excluded == {"e": "empty: no row has a value"}
