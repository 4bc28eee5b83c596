import pytest

from beltline.runners.report.charts import drawn
from beltline.runners.report.dependence import shown
from tests.runners.report.reports import DEPENDENCE

CLASSES = ["ok", "<scrap>"]


def many(*answers):
    points = [
        {"value": f"v{n}", "share": 1 / len(answers), "answers": list(each)}
        for n, each in enumerate(answers)
    ]
    return {"output": "probabilities", "rows": 9, "columns": [{"column": "a", "points": points}]}


def test_numbers_have_a_chart_and_texts_have_none():
    found = shown(DEPENDENCE, CLASSES)
    assert (found.names, found.left_out) == (["probability of <scrap>"], 0)
    numbers, texts = found.columns
    assert (numbers.column, texts.column, texts.chart) == ("temperature", "alloy", None)
    line, outline = numbers.chart.series
    assert line.points == [(12.5, 0.125), (20, 0.25), (40.0, 0.75)]
    assert numbers.chart.about == (
        "From 12.5 to 40: probability of <scrap> 0.125 to 0.75. Missing in 12.5% of the rows: 0.5."
    )
    assert outline.style == "area"


def test_all_columns_have_one_scale():
    numbers, texts = shown(DEPENDENCE, CLASSES).columns
    low, high = numbers.chart.heights
    assert low < 0.125
    assert high > 0.75
    assert [point["at"] for point in texts.points] == [
        pytest.approx((answer - low) / (high - low)) for answer in (0.375, 0.625)
    ]


def test_the_outline_is_as_high_as_the_rows_are_dense():
    chart = shown(DEPENDENCE, CLASSES).columns[0].chart
    low, _ = chart.heights
    outline = chart.series[-1].points
    heights = dict(outline[1:-1:2])
    # A quarter within 3.75, a half within 13.75, an eighth within 10.
    dense = {12.5: 0.25 / 3.75, 16.25: 0.5 / 13.75, 30.0: 0.0125}
    most = max(dense.values())
    top = max(heights.values()) - low
    assert heights == {
        value: pytest.approx(low + top * each / most) for value, each in dense.items()
    }
    # It stays below the answers.
    assert low + top < 0.125
    assert (outline[0], outline[-1]) == ((12.5, low), (40.0, low))


def test_the_classes_that_change_most_are_shown():
    found = shown(many([0.25, 0.5, 0.0, 0.25], [0.25, 0.25, 0.375, 0.125]), list("wxyz"))
    assert found.names == [f"probability of {each}" for each in "xyz"]
    assert found.left_out == 1
    assert found.columns[0].points[0]["answers"] == [0.5, 0.0, 0.25]


def test_a_regression_has_predictions_and_may_be_flat():
    flat = {"output": "prediction", "rows": 9, "columns": []}
    points = [{"value": value, "share": 0.5, "answers": [0.0]} for value in (1, 2)]
    flat["columns"] = [{"column": "x", "points": points}, {"column": "none", "points": []}]
    found = shown(flat, [])
    assert found.names == ["prediction"]
    [only] = found.columns
    assert only.chart.heights == (-0.2, 0.05)


@pytest.mark.parametrize("values", [(2**60, 2**60 + 1, 2**61), (1e-45, 3e38), (-3e38, 3e38)])
def test_numbers_of_any_size_can_be_drawn(values):
    points = [{"value": value, "share": 0.5, "answers": [1e30]} for value in values]
    found = {"output": "prediction", "rows": 9, "columns": [{"column": "x", "points": points}]}
    [only] = shown(found, []).columns
    assert "nan" not in drawn(only.chart, "a").lower()


@pytest.mark.parametrize("values", [(1.0,), (2**60, 2**60 + 1)])
def test_what_is_one_place_on_an_axis_has_a_table(values):
    points = [{"value": value, "share": 0.5, "answers": [1.0]} for value in values]
    found = {"output": "prediction", "rows": 9, "columns": [{"column": "x", "points": points}]}
    [only] = shown(found, []).columns
    assert only.chart is None
    assert len(only.points) == len(values)


@pytest.mark.parametrize("found", [{}, {"columns": [{"column": "a", "points": []}]}, many([0.5])])
def test_where_nothing_is_known_nothing_is_shown(found):
    assert shown(found, []) is None
