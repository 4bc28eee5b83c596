import re
from xml.etree import ElementTree

from beltline.runners.report.charts import Chart, Series, drawn, short

CURVE = Chart(
    "<ROC>",
    "The area & more",
    "false",
    "true",
    [
        Series("model", [(0, 0), (0.5, 1), (1, 1)]),
        Series("chance", [(0, 0), (1, 1)], "dashed"),
        Series("threshold", [(0.25, 0.5)], "mark"),
    ],
    (0, 1),
)


def parts(chart=CURVE):
    return ElementTree.fromstring(str(drawn(chart, "roc")))  # noqa: S314 # our own


def test_it_is_named_for_those_who_can_not_see_it():
    svg = parts()
    assert (svg.tag, svg.get("role"), svg.get("class")) == ("svg", "img", "chart")
    texts = {each.get("id"): each.text for each in svg if each.get("id")}
    assert [texts[name] for name in svg.get("aria-labelledby").split()] == [
        "<ROC>",
        "The area & more",
    ]


def test_the_points_are_where_the_axes_say():
    svg = parts()
    [line, chance] = [
        [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", each.get("d"))]
        for each in svg.iter("path")
        if "reactive" in each.get("class", "")
    ]
    assert len(line) == 3
    (left, bottom), (middle, top), (right, _) = line
    assert chance == [(left, bottom), (right, top)]
    assert middle - (left + right) / 2 < 0.2
    [dot] = svg.iter("circle")
    assert abs(float(dot.get("cx")) - (left + (right - left) / 4)) < 0.2
    assert abs(float(dot.get("cy")) - (bottom + top) / 2) < 0.2


def test_styles_are_the_page_s_and_nothing_is_loaded():
    text = str(drawn(CURVE, "roc"))
    assert not re.search(r"<style|<script|href|https?:|style=|#[0-9a-f]{3}", text)
    classes = re.findall(r'class="(series [^"]*)"', text)
    assert set(classes) == {
        "series line series-0",
        "series dashed series-1",
        "series mark series-2",
    }
    assert {"false", "true"} <= set(re.findall(r">([a-z]+)</text>", text))


def test_the_axes_follow_the_points_where_no_limits_are_given():
    chart = Chart("Loss", "", "epoch", "loss", [Series("train", [(1, 2500.0), (9, 90_000.0)])])
    labels = [each.text for each in parts(chart).iter("text")]
    assert "80,000" in labels and "20,000" in labels
    one = Chart("Loss", "", "epoch", "loss", [Series("train", [(1, 0.5)], "dots")])
    assert len(list(parts(one).iter("circle"))) == 1


def test_a_chart_without_points_is_empty():
    assert not list(parts(Chart("Loss", "", "x", "y", [])).iter("circle"))


def test_numbers_on_an_axis():
    assert [short(value) for value in (0.25, 12345.6, 1e12, -0.0001, 1234.5)] == [
        "0.25",
        "12,346",
        "1e+12",
        "-0.0001",
        "1234",
    ]
