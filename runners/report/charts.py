"""Charts as static SVG, drawn by pygal.

What pygal adds for its script (tooltips, values of each point) is taken out, and its colours too:
the page's own styles colour all charts, in light and dark. Each chart has a title and a description
for those who can't see it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

_WIDTH, _HEIGHT = 440, 330
_LEFT_OUT = ("defs", "desc", "title", "script")
_DOTTED = ("joined", "dots", "mark")
_JOINED = ("line", "dashed", "joined", "area")
_LONG = re.compile(r"-?\d+\.\d{2,}")
_SERIES = re.compile(r"\bserie-(\d+)")

Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Series:
    """Points of one colour: a line, dots, or dots joined by a line.

    A mark is one large dot, and an area what an outline encloses.
    """

    name: str
    points: Points
    style: Literal["line", "dashed", "joined", "dots", "mark", "area"] = "line"


@dataclass(frozen=True)
class Chart:
    """A chart of numbers over numbers; `about` says in words what it shows."""

    title: str
    about: str
    across: str
    up: str
    series: Sequence[Series]
    limits: tuple[float, float] | None = None
    """Both axes' least and greatest value; by default the points' own."""
    heights: tuple[float, float] | None = None
    """Those of the axis upwards alone."""


def drawn(chart: Chart, name: str) -> Markup:
    """Returns a chart as an SVG element.

    Args:
      chart: what to draw.
      name: the beginning of the ids in it, unique in the page.
    """
    return Markup(ElementTree.tostring(_tree(chart, name), encoding="unicode"))  # noqa: S704


def _tree(chart: Chart, name: str) -> ElementTree.Element:
    made = pygal.XY(
        width=_WIDTH,
        height=_HEIGHT,
        js=[],
        show_legend=False,
        x_title=chart.across,
        y_title=chart.up,
        dots_size=2.5,
        margin=4,
        spacing=8,
        order_min=-4,
        truncate_label=-1,
        max_scale=8,
        include_x_axis=False,
        value_formatter=short,
        x_value_formatter=short,
        no_data_text="",
        **_limits(chart),
    )
    for series in chart.series:
        dots, joined = series.style in _DOTTED, series.style in _JOINED
        made.add(series.name, list(series.points), show_dots=dots, stroke=joined)
    # Text and back: pygal's own tree is lxml's wherever that is installed.
    root = ElementTree.fromstring(made.render())  # noqa: S314
    _strip(root, chart)
    _name(root, chart, name)
    return root


def _limits(chart: Chart) -> dict[str, Any]:
    if chart.limits is None:
        return {"range": chart.heights} if chart.heights else {}
    return {"range": chart.limits, "xrange": chart.limits}


def short(value: float) -> str:
    """Returns a number on an axis: four digits are enough to find it."""
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e9 else f"{value:.4g}"


def _strip(root: ElementTree.Element, chart: Chart) -> None:
    """Removes what only pygal's script needs, and names each series by its style."""
    for parent in list(root.iter()):
        for child in list(parent):
            tag = str(child.tag).rpartition("}")[2]
            if tag in _LEFT_OUT or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
        element.attrib.pop("id", None)
        for name, value in element.attrib.items():
            element.set(name, _LONG.sub(lambda number: f"{float(number[0]):.1f}", value))
        number = _SERIES.search(element.get("class", ""))
        if number:
            style = chart.series[int(number[1])].style
            element.set("class", f"series {style} series-{number[1]}")


def _name(root: ElementTree.Element, chart: Chart, name: str) -> None:
    ids = [f"{name}-title", f"{name}-about"]
    texts = zip(("title", "desc"), ids, (chart.title, chart.about), strict=True)
    for place, (tag, identity, text) in enumerate(texts):
        child = ElementTree.Element(tag, {"id": identity})
        child.text = text
        root.insert(place, child)
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-labelledby", " ".join(ids))
