"""Slices by harm; what else is read from the Evaluator, tests of `beltline report` hold."""

from dataclasses import replace

from beltline.runners.report.evaluation import by_harm
from tests.runners.report.reports import REPORT


def sliced(name, rows, value):
    return {"slice": name, "rows": rows, "value": value, "champion": None, "interval": None}


SLICES = [sliced("small", 100, 0.5), sliced("large", 1956, 0.8), sliced("good", 1000, 0.95)]
FOUND = replace(REPORT.evaluation, slices={**REPORT.evaluation.slices, "worst": SLICES})


def test_what_weighs_most_is_first():
    # Of 3,912 rows.
    told = {each["slice"]: round(each["harm"], 4) for each in by_harm(FOUND)}
    assert list(told.items()) == [("large", 0.05), ("small", 0.0102), ("good", -0.0128)]


def test_where_less_is_better_more_is_harm():
    told = by_harm(replace(FOUND, lower_is_better=True))
    assert [each["slice"] for each in told] == ["good", "small", "large"]
    assert told[0]["harm"] > 0 > told[1]["harm"]


def test_without_a_value_over_all_rows_nothing_is_harm():
    assert {each["gap"] for each in by_harm(replace(FOUND, value=None))} == {None}
    assert {each["harm"] for each in by_harm(replace(FOUND, value=None))} == {0.0}
