import re

import pytest

from beltline.runners.report.histograms import REST, outlines, shares


def column(**of):
    return {"of": of}


def numbers(*buckets):
    return {"rows": 10, "missing": 0, "buckets": [list(each) for each in buckets]}


def texts(*top, rows=10, missing=0):
    return {"rows": rows, "missing": missing, "top": [list(each) for each in top]}


def area(path):
    """Below a path of steps, in units of the picture."""
    x = y = before = 0.0
    for kind, text in re.findall(r"([MVH])([-0-9.,]+)", path):
        if kind == "M":
            x, y = map(float, text.split(","))
        elif kind == "V":
            y = float(text)
        else:
            before += (float(text) - x) * (36 - y)
            x = float(text)
    return before


def test_the_tallest_bucket_is_as_high_as_the_picture():
    found = outlines(column(train=numbers((0, 1, 30), (1, 2, 10))))
    assert found == {"train": "M0.0,36V0.0H80.0V24.0H160.0V36"}


def test_two_sources_share_their_axes_and_have_the_same_area():
    found = outlines(column(train=numbers((0, 2, 30), (2, 4, 30)), eval=numbers((1, 2, 5))))
    assert found["train"].startswith("M0.0,36V27.0H80.0")
    assert found["eval"] == "M40.0,36V0.0H80.0V36"
    assert area(found["train"]) == pytest.approx(area(found["eval"]), rel=0.01)


def test_a_gap_is_empty():
    found = outlines(column(train=numbers((0, 1, 5), (1, 9, 0), (9, 10, 5))))
    assert found == {"train": "M0.0,36V0.0H16.0V36M144.0,36V0.0H160.0V36"}


def test_a_column_of_one_value_is_a_bar_in_the_middle():
    found = outlines(column(train=numbers((7, 7, 10))))
    assert found == {"train": "M80.0,36V0.0H83.2V36"}


def test_without_values_there_is_no_picture():
    assert outlines(column(train=texts(("A", 1)), eval=numbers())) == {}


def test_the_shares_are_of_the_values_that_are_there():
    found = shares(column(train=texts(("A", 6), ("B", 2), missing=2), eval=texts(("B", 10))))
    assert found == [("A", {"train": 0.75}), ("B", {"train": 0.25, "eval": 1.0})]


def test_the_rest_is_one_entry():
    found = shares(column(train=texts(*((f"v{n}", 1) for n in range(8)), rows=16)), most=5)
    assert [value for value, _ in found] == ["v0", "v1", "v2", "v3", "v4", REST]
    assert found[-1][1] == {"train": pytest.approx(11 / 16)}


def test_a_source_without_a_value_has_no_share():
    assert shares(column(train=texts(("A", 1), rows=1), eval=texts(rows=3, missing=3))) == [
        ("A", {"train": 1.0})
    ]
    assert shares(column(train=numbers((0, 1, 5)))) == [(REST, {"train": 1})]
