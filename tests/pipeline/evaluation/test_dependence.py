"""The points of a partial dependence are what a model answers to rows that are built by hand."""

import json
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from beltline.pipeline.evaluation import dependence
from beltline.pipeline.evaluation.dependence import MOST_POINTS, MOST_ROWS, partial_dependence
from beltline.pipeline.evaluation.importance import values_by_column
from tests.pipeline.evaluation.test_importance import example

CHANCE = np.random.default_rng(5)
ROWS = [
    {
        "heat": None if n % 10 == 0 else float(np.float32(CHANCE.normal())),
        "mold": ["A", "A", "B", "ü"][n % 4],
        "level": float(n % 3),
    }
    for n in range(300)
]


def answers(rows):
    """A model of its own for each mold; where heat is missing, it is 7 to it."""
    floats = tf.io.FixedLenFeature([], tf.float32, 7.0)
    text = tf.io.FixedLenFeature([], tf.string, "")
    parsed = tf.io.parse_example(tf.constant(rows), {"heat": floats, "level": floats, "mold": text})
    slope = np.where(parsed["mold"].numpy() == b"A", 2.0, -1.0)
    return slope * parsed["heat"].numpy() + parsed["level"].numpy()


def found_of(*columns, rows=ROWS, answers=answers):
    values = values_by_column(np.array([example(**row) for row in rows], object))
    found = partial_dependence(values, columns, answers)
    assert [each.column for each in found] == list(columns)
    return [{point.value: point for point in each.points} for each in found]


def by_hand(column, value):
    changed = [example(**{**row, column: value}) for row in ROWS[:MOST_ROWS]]
    return float(np.mean(answers(np.array(changed, object))))


def test_each_point_is_the_mean_answer_to_rows_with_its_value():
    for column, points in zip(
        ("heat", "mold", "level"), found_of("heat", "mold", "level"), strict=True
    ):
        for value, point in points.items():
            assert point.answers == [pytest.approx(by_hand(column, value), abs=1e-5)]


def test_texts_have_their_share_and_the_most_frequent_is_first():
    [points] = found_of("mold")
    assert [(each.value, each.share) for each in points.values()] == [
        ("A", 0.5),
        ("B", 0.25),
        ("ü", 0.25),
    ]


def test_numbers_are_spread_over_the_rows_and_missing_is_last():
    [points] = found_of("heat")
    *numbers, missing = points
    assert missing is None
    assert points[None].share == 0.1
    assert len(numbers) == MOST_POINTS
    assert numbers == sorted(numbers)
    known = [row["heat"] for row in ROWS if row["heat"] is not None]
    nearest = Counter(min(numbers, key=lambda each: abs(each - value)) for value in known)
    for value in numbers:
        assert points[value].share == pytest.approx(nearest[value] / len(ROWS))


def test_few_numbers_are_all_points():
    [points] = found_of("level")
    assert {value: point.share for value, point in points.items()} == {
        0.0: pytest.approx(1 / 3),
        1.0: pytest.approx(1 / 3),
        2.0: pytest.approx(1 / 3),
    }


def test_a_column_without_values_has_one_point():
    nothing = tf.train.Features(feature={"empty": tf.train.Feature()})
    row = tf.train.Example(features=nothing).SerializeToString()
    values = {"empty": np.array([row] * 5, object)}
    [found] = partial_dependence(values, ["empty"], lambda rows: np.ones(len(rows)))
    assert found.points == [dependence.Point(None, 1.0, [1.0])]


def test_what_is_bounded():
    rows = [
        {"word": f"w{n:03}", "x": float(n), **dict.fromkeys("abcdefg", 1.0)} for n in range(400)
    ]
    asked = []

    def count(rows):
        asked.append(len(rows))
        return np.zeros(len(rows))

    values = values_by_column(np.array([example(**row) for row in rows], object))
    found = partial_dependence(values, list(values), count)
    assert len(found) == dependence.MOST_COLUMNS
    [words] = found_of("word", rows=rows, answers=count)
    assert list(words) == [f"w{n:03}" for n in range(MOST_POINTS)]
    assert set(asked) == {MOST_ROWS}


def test_classes_have_a_mean_each_and_what_is_no_number_is_left_out(tmp_path):
    def classes(rows):
        return np.array([[0.25, 0.75]] * len(rows))

    [points] = found_of("level", answers=classes)
    assert points[1.0].answers == [0.25, 0.75]
    [none] = found_of("level", answers=lambda rows: np.full(len(rows), np.nan))
    assert none == {}
    values = values_by_column(np.array([example(**row) for row in ROWS], object))
    dependence.write(tmp_path, "probabilities", 200, partial_dependence(values, ["mold"], classes))
    written = json.loads((tmp_path / dependence.FILE).read_text())
    assert (written["output"], written["rows"]) == ("probabilities", 200)
    point = {"value": "A", "share": 0.5, "answers": [0.25, 0.75]}
    assert written["columns"][0]["points"][0] == point
