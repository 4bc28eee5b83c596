from datetime import timedelta

from beltline.runners.monitor.past import Measured, PastReport
from beltline.runners.ui.monitoring import over_time, shown
from tests.runners.monitor.test_past import NOON


def past(day, columns, metrics=None):
    measured = {
        name: {measure: Measured(value, 0.05) for measure, value in found.items()}
        for name, found in columns.items()
    }
    end = NOON + timedelta(days=day)
    return PastReport(end, 3, 2000, 0, [], measured, metrics or {})


def test_the_columns_that_are_nearest_to_a_limit_come_first():
    found = over_time(
        [past(0, {"a": {"skew": 0.01, "missing": 0.02}, "b": {"drift": 0.06}, "c": {}})]
    )
    assert [(each.name, round(each.share, 3)) for each in found.columns] == [
        ("b", 1.2),
        ("a", 0.4),
        ("c", 0.0),
    ]
    assert [name for name, _ in found.charts] == ["b", "a", "c"]


def test_a_chart_says_its_values_in_words():
    found = over_time(
        [past(0, {"a": {"skew": 0.08}}), past(1, {"a": {"skew": 0.01, "new": 0.002}})]
    )
    [(name, chart)] = found.charts
    assert name == "a" and chart.count("<circle") == 3
    assert "At the last check: from training 0.010 of at most 0.050; new values 0.2%" in chart
    assert "style=" not in chart and "<script" not in chart


def test_each_measure_has_its_colour_whatever_else_there_is():
    [(_, chart)] = over_time([past(0, {"a": {"missing": 0.01}})]).charts
    assert 'class="series joined series-3"' in chart
    assert 'class="series dashed series-4"' in chart


def test_at_most_twelve_columns_are_drawn_or_the_one_that_was_chosen():
    many = [past(0, {f"c{number}": {"skew": 0.001 * number} for number in range(30)})]
    assert [name for name, _ in over_time(many).charts] == [f"c{n}" for n in range(29, 17, -1)]
    assert [name for name, _ in over_time(many, "c0").charts] == ["c0"]
    assert over_time(many, "none").charts == []
    assert len(over_time(many, "none").columns) == 30


def test_a_column_that_is_new_and_a_limit_of_nothing():
    nothing = PastReport(NOON, 3, 1, 0, [], {"a": {"skew": Measured(0.0, 0.0)}}, {})
    [column] = over_time([past(-1, {}), nothing]).columns
    assert column.share == 0.0


def test_live_metrics_have_their_bounds():
    metrics = [{"auc": Measured(0.9, None, 0.85)}, {}, {"auc": Measured(0.8, 0.95, 0.85)}]
    found = over_time([past(day, {}, each) for day, each in enumerate(metrics)])
    [(name, chart)] = found.metrics
    assert name == "auc" and chart.count("<circle") == 2
    assert "At the last check: 0.8 (at least 0.85, at most 0.95)." in chart
    assert over_time([past(0, {}, {"auc": Measured(0.8, None)})]).metrics


def test_shares_are_shown_in_percent():
    assert (shown("skew", 0.0521), shown("new", 0.0521), shown("new", None)) == (
        "0.052",
        "5.2%",
        "-",
    )
